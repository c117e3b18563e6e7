#include "host/sweep/figures.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>
#include <vector>

#include "host/formats/atomic_file.h"

namespace sramsim {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  int status = 0;    ///< exit status, or 128 + signal
  bool ran = false;  ///< false: `status` is an errno
  std::string output{};
};

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(buffer.data(), static_cast<size_t>(n));
  }
}

/// Runs words[0], looked up in PATH, with stdout and stderr in `output`. No shell reads the words.
Outcome run(std::vector<std::string> words) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {.status = errno};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  Outcome outcome{.status = error};
  if (error == 0) {
    outcome.output = read_all(ends[0]);
    outcome.status = wait_for(child);
    outcome.ran = true;
  }
  ::close(ends[0]);
  return outcome;
}

/// The last line that says something.
std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);  // npos + 1 is 0
}

std::string why(const Outcome& outcome) {
  if (!outcome.ran) return fmt::format("bash: {}", std::strerror(outcome.status));
  const std::string said = last_line(outcome.output);
  return said.empty() ? fmt::format("figures.sh ended with status {}", outcome.status) : said;
}

/// The folder of figures.sh; null: SRAMSIM_SCRIPTS does not say.
const char* named_scripts() {
  return std::getenv("SRAMSIM_SCRIPTS");
}

}  // namespace

bool figures_wanted(const fs::path& file, const FigureOptions& options) {
  const char* named = named_scripts();
  return !options.off && !file.empty() && !(named && *named == '\0');
}

std::string draw_figures(const fs::path& file, const FigureOptions& options,
                         const PointHistograms& histograms) {
  if (!figures_wanted(file, options)) return "";
  std::error_code ignored;
  const char* named = named_scripts();
  const fs::path script = fs::path(named ? named : SRAMSIM_SCRIPTS_DIR) / "figures.sh";
  if (!fs::is_regular_file(script, ignored))
    return fmt::format("no figures: there is no {} (SRAMSIM_SCRIPTS names its folder)", script.string());
  const fs::path folder = options.folder.empty() ? fs::path(file).replace_extension().concat("_figures")
                                                 : fs::path(options.folder);
  // Absolute, so that no name is taken for an option.
  std::vector<std::string> words = {"bash", script.string(), fs::absolute(file, ignored).string(),
                                    "--out=" + folder.string(), "--quiet"};
  if (!histograms.csv.empty()) {
    const fs::path sums = folder / "partial_sums.csv";
    try {
      fs::create_directories(folder);
      write_atomically(sums.string(), histograms.csv);
    } catch (const std::exception& e) {
      return fmt::format("no figures: {}", e.what());
    }
    words.push_back("--histograms=" + sums.string());
    words.push_back("--histograms-of=" + histograms.of);
  }
  const Outcome outcome = run(std::move(words));
  if (outcome.ran && outcome.status == 0)
    return fmt::format("figures in {}", (folder / "report.html").string());
  return "no figures: " + why(outcome);
}

}  // namespace sramsim
