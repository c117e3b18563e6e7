// Options of the commands that run a trained network over a dataset: infer and sweep.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "datasets/image_set.h"
#include "host/infer/evaluate.h"
#include "host/model/network.h"

namespace sramsim {

struct NetworkOptions {
  std::string checkpoint = "models/seed_w4a4.safetensors";
  std::string dataset_dir = "datasets/mnist";
  int64_t limit = 0;
  int batch = 0;  ///< 0: as the device likes
  std::string kernel;
};

/// --checkpoint, --dataset-dir, --limit.
void add_network_options(CLI::App& command, NetworkOptions& options);
/// --batch, --kernel.
void add_engine_options(CLI::App& command, NetworkOptions& options);

/// load_checkpoint() with a hint where the file is the default and not there.
Checkpoint load_network(const NetworkOptions& options);
/// The test images. InputError naming --dataset-dir for a folder that is not there.
std::unique_ptr<ImageSet> open_test_images(const NetworkOptions& options);
EvaluateOptions evaluate_options(const NetworkOptions& options);

}  // namespace sramsim
