#include "host/cli/network_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "host/cli/array_options.h"
#include "host/cli/common.h"
#include "kernels/core/error.h"

namespace sramsim {

void add_network_options(CLI::App& command, NetworkOptions& options) {
  command
      .add_option("--checkpoint", options.checkpoint,
                  "trained network: safetensors, or a PyTorch .pth/.pth.tar of the seed network")
      ->type_name("FILE");
  add_dataset_option(command, options.dataset_dir);
  command.add_option("--limit", options.limit, "take only the first N test images; 0 takes all")
      ->check(whole_number())
      ->type_name("N");
}

void add_engine_options(CLI::App& command, NetworkOptions& options) {
  command.add_option("--batch", options.batch, "images per step: memory and speed, never the results")
      ->check(CLI::Range(1, 65536))
      ->default_str("8 per thread, from 16 to 64, on a CPU; 512 on a GPU")
      ->type_name("N")
      ->group("Run");
  add_kernel_option(command, options.kernel);
}

Checkpoint load_network(const NetworkOptions& options) {
  std::error_code failed;
  if (!std::filesystem::exists(options.checkpoint, failed))
    throw InputError(fmt::format(
        "--checkpoint {}: there is no such file (paths count from the current folder)", options.checkpoint));
  return load_checkpoint(options.checkpoint);
}

std::unique_ptr<ImageSet> open_test_images(const NetworkOptions& options) {
  std::error_code failed;
  if (!std::filesystem::is_directory(options.dataset_dir, failed))
    throw InputError(
        fmt::format("--dataset-dir {}: there is no such folder (paths count from the current folder)",
                    options.dataset_dir));
  return open_idx(options.dataset_dir, Split::kTest);
}

EvaluateOptions evaluate_options(const NetworkOptions& options) {
  EvaluateOptions evaluation;
  evaluation.batch = options.batch;
  evaluation.limit = options.limit;
  evaluation.kernel = options.kernel;
  return evaluation;
}

}  // namespace sramsim
