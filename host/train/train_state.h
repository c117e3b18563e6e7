// Where a training run stands, and its checkpoint files.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "host/train/settings.h"
#include "host/train/training_network.h"

namespace sramsim {

/// One finished epoch, as logged.
struct EpochRecord {
  int epoch = 0;  ///< from 1
  double lr = 0, loss = 0, train_accuracy = 0, test_loss = 0, test_accuracy = 0;
  double images_per_second = 0, seconds = 0;
  std::vector<double> alphas;  ///< in layer order
};

struct TrainState {
  TrainSettings settings;
  int epoch = 0;             ///< of the next step, from 0
  int step = 0;              ///< next step within the epoch
  Totals totals;             ///< of the epoch so far
  double epoch_seconds = 0;  ///< spent in the epoch so far
  double best_accuracy = -1;
  uint32_t dataset_crc = 0;  ///< of the training images and labels
  int threads = 0;           ///< gradients are summed per thread: part of bit-for-bit reproducibility
  std::string device;
  std::vector<EpochRecord> history;
};

/// The whole state: weights, momenta ("optimizer.<name>") and the rest as JSON in the metadata entry
/// "sramsim.train". Atomic.
void save_training(const std::filesystem::path& path, const TrainingNetwork& network,
                   const TrainState& state);
/// Weights only, with the settings and the history of the run that made them.
void save_trained(const std::filesystem::path& path, const TrainingNetwork& network, const TrainState& state);

/// What a run's checkpoint holds beside the tensors. InputError if it is not one.
TrainState read_train_state(const std::filesystem::path& path, const Checkpoint& checkpoint);
/// Values and momenta. InputError naming the file and the tensor that is missing or of another shape.
void load_tensors(const std::filesystem::path& path, const Checkpoint& checkpoint, TrainingNetwork& network);

}  // namespace sramsim
