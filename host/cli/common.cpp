#include "host/cli/common.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <limits>

#include "kernels/core/error.h"

namespace sramsim {

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer("");
  command->option_defaults()->always_capture_default();
  command->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  return command;
}

void add_common_options(CLI::App& command, CommonOptions& options) {
  const std::string group = "Run";
  command.add_option("--device", options.device, "where to compute: auto takes a usable GPU, else the CPU")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->type_name("auto|cpu|cuda")
      ->group(group);
  command
      .add_option("--threads", options.threads, "CPU threads; 0 takes all cores, or OMP_NUM_THREADS of them")
      ->check(CLI::Range(0, 4096))
      ->type_name("N")
      ->group(group);
  command
      .add_option("--config", options.config,
                  "TOML file with options: `name = value`, at the top or in a table named as the command; "
                  "flags win over it")
      ->type_name("FILE")
      ->group(group);
  command.add_flag("--verbose", options.verbose, "say more about what is done, on stderr")->group(group);
  command.add_flag("--quiet", options.quiet, "no progress and no summary; errors still show")->group(group);
}

void add_dataset_option(CLI::App& command, std::string& dataset_dir) {
  command.add_option("--dataset-dir", dataset_dir, "folder with the four IDX files of an MNIST-like dataset")
      ->type_name("DIR");
}

std::unique_ptr<Backend> make_backend(const CommonOptions& options) {
  std::string note;
  auto backend = make_backend(options.device, options.threads, &note);
  if (options.verbose)
    fmt::print(stderr, "device: {}{}\n", backend->describe(), note.empty() ? "" : "; no GPU: " + note);
  return backend;
}

const CLI::Validator& whole_number() {
  static const CLI::Validator validator(
      [](const std::string& text) -> std::string {
        int64_t value = 0;
        const char* const end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        if (error == std::errc() && stop == end && value >= 0) return "";
        return fmt::format("'{}' is no whole number from 0 to {}", text, std::numeric_limits<int64_t>::max());
      },
      "");
  return validator;
}

void print_note(const std::string& line) {
  fmt::print(stderr, "sramsim: {}\n", line);
}

namespace {

void check_output_folder(const std::string& option, const std::filesystem::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  std::error_code failed;
  if (!std::filesystem::is_directory(folder, failed))
    throw InputError(
        fmt::format("{} {}: the folder {} does not exist", option, file.string(), folder.string()));
  if (std::filesystem::is_directory(file, failed))
    throw InputError(fmt::format("{} {}: is a folder, not a file", option, file.string()));
}

/// Whether writing one takes the other's content; a device or a pipe has none.
bool same_content(const std::filesystem::path& a, const std::filesystem::path& b) {
  namespace fs = std::filesystem;
  std::error_code failed;
  if (fs::exists(a, failed) && !fs::is_regular_file(a, failed)) return false;
  if (fs::equivalent(a, b, failed)) return true;
  return fs::weakly_canonical(fs::absolute(a), failed) == fs::weakly_canonical(fs::absolute(b), failed);
}

}  // namespace

void check_outputs(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs) {
  std::vector<NamedFile> others = inputs;
  for (const NamedFile& output : outputs) {
    if (output.file.empty()) continue;
    check_output_folder(output.option, output.file);
    for (const NamedFile& other : others)
      if (!other.file.empty() && same_content(output.file, other.file))
        throw InputError(
            fmt::format("{} {}: is the file of {}", output.option, output.file.string(), other.option));
    others.push_back(output);
  }
}

}  // namespace sramsim
