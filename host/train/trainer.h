// The training loop: epochs, schedule, evaluation, checkpoints, resume.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "datasets/idx.h"
#include "host/model/network.h"
#include "host/train/batches.h"
#include "host/train/train_state.h"

namespace sramsim {

/// How a run talks to its surroundings.
struct TrainHooks {
  std::function<void(const std::string& line)> log;  ///< one line per epoch and event
  /// Asked after every step; true saves the state and ends the run with Interrupted.
  std::function<bool()> stop_requested;
  bool progress = false;  ///< a progress bar within the epoch
  Note note{};            ///< how steps are run, for --verbose
};

/// Trains into the folder `out`: last.safetensors (complete state, after every epoch and on interruption),
/// best.safetensors (weights of the best test accuracy), train.csv (one row per epoch). All written
/// atomically.
class Trainer {
 public:
  /// A new run. InputError for settings or data that do not fit the network.
  Trainer(Backend& backend, const NetworkSpec& network, const Dataset& train, const Dataset& test,
          const TrainSettings& settings, std::filesystem::path out, int threads);
  /// Continues from `from` (a last.safetensors); `epochs` may lengthen or shorten the run.
  static std::unique_ptr<Trainer> resume(Backend& backend, const std::filesystem::path& from,
                                         const Dataset& train, const Dataset& test, std::optional<int> epochs,
                                         std::filesystem::path out, int threads);

  /// Runs to the last epoch. RunError if the loss or a clipping level stops being usable, Interrupted when
  /// asked to stop.
  void run(const TrainHooks& hooks);

  const TrainState& state() const { return state_; }
  TrainingNetwork& network() { return network_; }

 private:
  Trainer(Backend& backend, const NetworkSpec& network, const Dataset& train, const Dataset& test,
          TrainState state, std::filesystem::path out);
  void run_epoch(const TrainHooks& hooks);
  void finish_epoch(const TrainHooks& hooks);
  [[noreturn]] void stop(const TrainHooks& hooks);
  void check_health() const;
  Totals evaluate();
  int load(BatchReader& reader, int step);

  TrainState state_;
  std::filesystem::path out_;
  TrainingNetwork network_;
  BatchReader train_, test_;
};

/// CRC-32 over images and labels: tells two data sets of one size apart.
uint32_t dataset_crc(const Dataset& dataset);

/// "epoch,lr,loss,..." with one alpha column per layer.
std::string history_csv(const TrainState& state, const std::vector<TrainingNetwork::LayerValue>& alphas);

}  // namespace sramsim
