// Options that every command shares, and the way a command is registered.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "kernels/backend/backend.h"

namespace sramsim {

struct CommonOptions {
  std::string device = "auto";
  int threads = 0;     ///< 0: all that OpenMP offers
  std::string config;  ///< read before parsing (config_file.h); kept for --help
  bool verbose = false;
  bool quiet = false;
};

/// A subcommand whose options may be given several times (the last one wins: that is how a flag overrides the
/// configuration file), show their defaults in --help, and print --help at full width.
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description);

/// --device, --threads, --config, --verbose, --quiet.
void add_common_options(CLI::App& command, CommonOptions& options);
void add_dataset_option(CLI::App& command, std::string& dataset_dir);  ///< --dataset-dir

/// make_backend() with these options; --verbose says on stderr which device was taken.
std::unique_ptr<Backend> make_backend(const CommonOptions& options);

/// A number of digits alone, at most 2^63 - 1: without it -1 and what is too large pass for another number.
const CLI::Validator& whole_number();

/// One line on stderr about how a run is done.
void print_note(const std::string& line);

/// A file, empty where the option that names it was not given.
struct NamedFile {
  std::string option;
  std::filesystem::path file;
};

/// Fails before hours of work rather than after: InputError naming the option if the folder of an output does
/// not exist, or if an output would replace an input or another output.
void check_outputs(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs);

}  // namespace sramsim
