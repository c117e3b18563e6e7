#include "host/train/trainer.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "host/formats/atomic_file.h"
#include "host/util/interrupt.h"
#include "host/util/progress.h"
#include "kernels/core/error.h"
#include "kernels/cuda/profile_range.h"

namespace sramsim {
namespace {

using Clock = std::chrono::steady_clock;

/// Steps between looks at the loss: each one waits for the device.
constexpr int kHealthSteps = 50;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

const Dataset& checked(const NetworkSpec& network, const Dataset& dataset, const char* split) {
  if (network.c != 1 || dataset.h != network.h || dataset.w != network.w)
    throw InputError(fmt::format("{} images are {} x {} with 1 channel, network '{}' takes {} x {} with {}",
                                 split, dataset.h, dataset.w, network.name, network.h, network.w, network.c));
  if (dataset.count < 1) throw InputError(fmt::format("the data set has no {} images", split));
  if (dataset.classes > network.classes)
    throw InputError(fmt::format("{} labels go up to {}, network '{}' has {} classes", split,
                                 dataset.classes - 1, network.name, network.classes));
  return dataset;
}

int train_count(const TrainSettings& settings, const Dataset& train) {
  return settings.limit > 0 && settings.limit < train.count ? static_cast<int>(settings.limit) : train.count;
}

UpdateSettings update_settings(const TrainSettings& s, int epoch) {
  return {.lr = static_cast<float>(s.rate(epoch)),
          .momentum = static_cast<float>(s.momentum),
          .weight_decay = static_cast<float>(s.weight_decay),
          .alpha_lambda = static_cast<float>(s.alpha_lambda)};
}

TrainingNetworkOptions network_options(const TrainSettings& s) {
  return {.max_batch = s.batch,
          .loss = s.loss == "mse" ? Loss::kMse : Loss::kCrossEntropy,
          .alpha_init = s.alpha_value(),
          .conv_backward = parse_conv_backward(s.backward),
          .seed = s.seed};
}

TrainState new_state(TrainSettings settings, const Dataset& train, int threads, const std::string& device) {
  settings.resolve();
  TrainState state;
  state.settings = std::move(settings);
  state.dataset_crc = dataset_crc(train);
  state.threads = threads;
  state.device = device;
  return state;
}

}  // namespace

uint32_t dataset_crc(const Dataset& dataset) {
  uLong crc = crc32_z(0, dataset.images.data(), dataset.images.size());
  crc = crc32_z(crc, dataset.labels.data(), dataset.labels.size());
  return static_cast<uint32_t>(crc);
}

std::string history_csv(const TrainState& state, const std::vector<TrainingNetwork::LayerValue>& alphas) {
  std::string csv = "epoch,lr,loss,train_accuracy,test_loss,test_accuracy,images_per_second,seconds";
  for (const auto& alpha : alphas) csv += fmt::format(",alpha_{}", alpha.layer);
  csv += '\n';
  for (const EpochRecord& r : state.history) {
    csv += fmt::format("{},{},{:.6f},{:.6f},{:.6f},{:.6f},{:.1f},{:.2f}", r.epoch, r.lr, r.loss,
                       r.train_accuracy, r.test_loss, r.test_accuracy, r.images_per_second, r.seconds);
    for (const double alpha : r.alphas) csv += fmt::format(",{:.6g}", alpha);
    csv += '\n';
  }
  return csv;
}

Trainer::Trainer(Backend& backend, const NetworkSpec& network, const Dataset& train, const Dataset& test,
                 TrainState state, std::filesystem::path out)
    : state_(std::move(state)),
      out_(std::move(out)),
      network_(backend, network, network_options(state_.settings)),
      train_(backend, checked(network, train, "training"), train_count(state_.settings, train),
             state_.settings.batch),
      test_(backend, checked(network, test, "test"), test.count, state_.settings.batch) {}

int Trainer::load(BatchReader& reader, int step) {
  return reader.load(step, network_.batch_images(), network_.batch_labels());
}

Trainer::Trainer(Backend& backend, const NetworkSpec& network, const Dataset& train, const Dataset& test,
                 const TrainSettings& settings, std::filesystem::path out, int threads)
    : Trainer(backend, network, train, test, new_state(settings, train, threads, backend.describe()),
              std::move(out)) {
  if (!state_.settings.alpha_from_data()) return;
  train_.shuffle(state_.settings.seed, 0);
  network_.calibrate_alphas(load(train_, 0));
}

std::unique_ptr<Trainer> Trainer::resume(Backend& backend, const std::filesystem::path& from,
                                         const Dataset& train, const Dataset& test, std::optional<int> epochs,
                                         std::filesystem::path out, int threads) {
  const Checkpoint checkpoint = load_checkpoint(from);
  TrainState state = read_train_state(from, checkpoint);
  if (state.dataset_crc != dataset_crc(train))
    throw InputError(fmt::format(
        "{}: the run was started with other training images than those of --dataset-dir and --limit",
        from.string()));
  if (epochs) state.settings.epochs = *epochs;
  state.threads = threads;
  state.device = backend.describe();
  std::unique_ptr<Trainer> trainer(
      new Trainer(backend, checkpoint.network, train, test, std::move(state), std::move(out)));
  load_tensors(from, checkpoint, trainer->network_);
  return trainer;
}

void Trainer::run(const TrainHooks& hooks) {
  while (state_.epoch < state_.settings.epochs) run_epoch(hooks);
}

void Trainer::run_epoch(const TrainHooks& hooks) {
  const ProfileRange range("epoch");
  const TrainSettings& s = state_.settings;
  train_.shuffle(s.seed, state_.epoch);
  network_.set_totals(state_.totals);
  const UpdateSettings update = update_settings(s, state_.epoch);
  const double seconds_before = state_.epoch_seconds;
  const auto start = Clock::now();
  Progress progress(fmt::format("epoch {}/{}", state_.epoch + 1, s.epochs), "images", train_.count(),
                    hooks.progress);

  for (int& step = state_.step; step < train_.steps();) {
    const int n = load(train_, step);
    const uint64_t global_step = static_cast<uint64_t>(state_.epoch) * train_.steps() + step;
    network_.train_step(n, global_step, update, hooks.note);
    ++step;
    if (step % kHealthSteps == 0) check_health();
    progress.update(std::min(step * s.batch, train_.count()));
    if (step < train_.steps() && hooks.stop_requested && hooks.stop_requested()) {
      state_.epoch_seconds = seconds_before + seconds_since(start);
      progress.finish();
      stop(hooks);
    }
  }
  progress.finish();
  check_health();
  state_.epoch_seconds = seconds_before + seconds_since(start);
  finish_epoch(hooks);
}

void Trainer::finish_epoch(const TrainHooks& hooks) {
  const TrainSettings& s = state_.settings;
  const int images = train_.count();
  const auto evaluation_start = Clock::now();
  const Totals trained = network_.totals();
  const Totals tested = evaluate();

  EpochRecord record{.epoch = state_.epoch + 1,
                     .lr = s.rate(state_.epoch),
                     .loss = static_cast<double>(trained.loss) / train_.steps(),
                     .train_accuracy = static_cast<double>(trained.correct) / images,
                     .test_loss = static_cast<double>(tested.loss) / test_.steps(),
                     .test_accuracy = static_cast<double>(tested.correct) / test_.count(),
                     .images_per_second = images / state_.epoch_seconds,
                     .seconds = state_.epoch_seconds + seconds_since(evaluation_start),
                     .alphas = {}};
  const auto alphas = network_.alphas();
  std::string clips;
  for (const auto& alpha : alphas) {
    record.alphas.push_back(static_cast<double>(alpha.value));
    clips += fmt::format("{}{:.4g}", clips.empty() ? "" : " ", alpha.value);
  }
  state_.history.push_back(record);
  ++state_.epoch;
  state_.step = 0;
  state_.totals = {};
  state_.epoch_seconds = 0;

  const bool best = record.test_accuracy > state_.best_accuracy;
  if (best) state_.best_accuracy = record.test_accuracy;
  if (best) save_trained(out_ / "best.safetensors", network_, state_);
  save_training(out_ / "last.safetensors", network_, state_);
  write_atomically(out_ / "train.csv", history_csv(state_, alphas));
  if (hooks.log)
    hooks.log(
        fmt::format("epoch {:2}/{}  lr {:<7.4g} loss {:.4f}  train {:.2f} %  test {:.2f} %{}  alphas {}  "
                    "{:.0f} images/s  "
                    "{} left",
                    record.epoch, s.epochs, record.lr, record.loss, record.train_accuracy * 100,
                    record.test_accuracy * 100, best ? " best" : "     ", clips, record.images_per_second,
                    format_duration(record.seconds * (s.epochs - state_.epoch))));
  if (state_.epoch < s.epochs && hooks.stop_requested && hooks.stop_requested()) stop(hooks);
}

void Trainer::stop(const TrainHooks& hooks) {
  state_.totals = state_.step > 0 ? network_.totals() : Totals{};
  check_health();
  save_training(out_ / "last.safetensors", network_, state_);
  if (hooks.log)
    hooks.log(fmt::format("stopped in epoch {} after {} steps; {} holds everything, --resume continues",
                          state_.epoch + 1, state_.step, (out_ / "last.safetensors").string()));
  throw Interrupted();
}

Totals Trainer::evaluate() {
  const ProfileRange range("evaluate");
  network_.reset_totals();
  for (int step = 0; step < test_.steps(); ++step) network_.evaluate(load(test_, step));
  return network_.totals();
}

void Trainer::check_health() const {
  const auto fail = [&](const std::string& what) {
    throw RunError(fmt::format("training diverged in epoch {}, step {}: {}; try a smaller --lr",
                               state_.epoch + 1, state_.step, what));
  };
  const Totals totals = network_.totals();
  if (!std::isfinite(totals.loss)) fail(fmt::format("the loss is {}", totals.loss));
  for (const auto& alpha : network_.alphas())
    if (!(std::isfinite(alpha.value) && alpha.value > 0.0f))
      fail(fmt::format("the clipping level of '{}' is {}", alpha.layer, alpha.value));
  for (const auto& [layer, scale] : network_.weight_scales())
    if (!std::isfinite(scale)) fail(fmt::format("the weights of '{}' are not finite", layer));
}

}  // namespace sramsim
