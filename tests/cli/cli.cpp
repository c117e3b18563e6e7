#include "tests/cli/cli.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace sramsim::test {

TempFolder::TempFolder() {
  std::string name = (fs::temp_directory_path() / "sramsim-cli-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp failed: " + name);
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::vector<std::string> TempFolder::files() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

namespace {

/// Only calls that are safe between fork and exec.
[[noreturn]] void run_child(const fs::path& folder, const std::string& out, const std::string& err,
                            const char* program, char* const* argv) {
  const auto redirect = [](const std::string& path, int fd) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || ::dup2(file, fd) < 0) ::_exit(126);
  };
  redirect(out, STDOUT_FILENO);
  redirect(err, STDERR_FILENO);
  if (::chdir(folder.c_str()) != 0) ::_exit(126);
  ::execv(program, argv);
  ::_exit(127);
}

/// `meddle` gets the process while it runs.
CliResult run(const std::vector<std::string>& arguments, const fs::path& folder,
              const std::function<void(pid_t)>& meddle, const fs::path& stdout_file = {},
              const char* program = SRAMSIM_BINARY) {
  const TempFolder output;
  const std::string out = (stdout_file.empty() ? output / "out" : stdout_file).string();
  const std::string err = (output / "err").string();
  std::vector<std::string> words{"sramsim"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  ::setenv("SRAMSIM_SCRIPTS", "", 0);  // no pictures, unless the test names who draws them
  const pid_t child = ::fork();
  if (child == 0) run_child(folder, out, err, program, argv.data());
  if (child < 0) throw std::runtime_error("fork failed");
  if (meddle) meddle(child);
  int status = 0;
  ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          stdout_file.empty() ? read_text(out) : "", read_text(err)};
}

}  // namespace

CliResult sramsim(const std::vector<std::string>& arguments, const fs::path& folder) {
  return run(arguments, folder, {});
}

CliResult sramsim_interrupted(const std::vector<std::string>& arguments, const fs::path& folder, int signal,
                              int after_ms) {
  return run(arguments, folder, [&](pid_t child) {
    ::usleep(static_cast<useconds_t>(after_ms) * 1000);
    ::kill(child, signal);
  });
}

CliResult sramsim_killed(const std::vector<std::string>& arguments, const fs::path& folder,
                         const fs::path& file, size_t lines, const std::function<void()>& meanwhile) {
  return run(arguments, folder, [&](pid_t child) {
    const auto there = [&] {
      const std::string text = read_text(file);
      return fs::exists(file) &&
             (lines == 0 || static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) > lines);
    };
    const auto running = [&] {
      siginfo_t ended{};
      return ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
             ended.si_pid == 0;
    };
    while (!there() && running()) ::usleep(500);
    if (meanwhile) meanwhile();
    ::kill(child, SIGKILL);  // a zombie takes it without effect
  });
}

#ifdef SRAMSIM_MPIRUN
CliResult sramsim_ranks(int ranks, const std::vector<std::string>& arguments, const fs::path& folder,
                        const std::function<void()>& meanwhile) {
  // More ranks than cores, and as root where tests run as root.
  for (const char* name :
       {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_rmaps_base_oversubscribe"})
    ::setenv(name, "1", 1);
  ::setenv("OMPI_MCA_hwloc_base_binding_policy", "none", 1);
  std::vector<std::string> all = {"-np", std::to_string(ranks), SRAMSIM_BINARY};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run(
      all, folder,
      [&](pid_t) {
        if (meanwhile) meanwhile();
      },
      {}, SRAMSIM_MPIRUN);
}
#endif

CliResult sramsim_into(const fs::path& out, const std::vector<std::string>& arguments,
                       const fs::path& folder) {
  return run(arguments, folder, {}, out);
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

HostTensor counting_codes(DType dtype, std::vector<int64_t> shape, int low, int most) {
  HostTensor t = make_tensor(dtype, std::move(shape));
  for (int64_t i = 0; i < t.count(); ++i)
    t.bytes[static_cast<size_t>(i)] =
        static_cast<std::byte>(low + static_cast<int>(i * 7 % (most - low + 1)));
  return t;
}

}  // namespace sramsim::test
