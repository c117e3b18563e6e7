// A network in training: its layers, parameters, activations and gradient buffers on one backend. All memory
// is allocated at construction.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/layer/parameters.h"
#include "host/layer/training_layer.h"
#include "host/model/network.h"

namespace sramsim {

enum class Loss { kCrossEntropy, kMse };

struct TrainingNetworkOptions {
  int max_batch = 128;
  Loss loss = Loss::kCrossEntropy;
  float alpha_init = 10.0f;
  ConvBackward conv_backward = ConvBackward::kAuto;
  uint64_t seed = 1;
};

/// What an update needs to know.
struct UpdateSettings {
  float lr = 0.1f, momentum = 0.9f, weight_decay = 0.0f;
  float alpha_lambda = 1e-5f;  ///< lambda of the loss term lambda * sum(alpha^2)
  friend bool operator==(const UpdateSettings&, const UpdateSettings&) = default;
};

/// Receives one line about how a run is done, for --verbose.
using Note = std::function<void(const std::string& line)>;

/// Sums since reset_totals(): of the batches' mean losses, and of correct images.
struct Totals {
  float loss = 0.0f;
  int32_t correct = 0;
};

class TrainingNetwork {
 public:
  /// Parameters are initialised from the seed. InputError if the layers do not fit together.
  TrainingNetwork(Backend& backend, const NetworkSpec& spec, const TrainingNetworkOptions& options);
  TrainingNetwork(const TrainingNetwork&) = delete;  // layers refer to the parameters
  TrainingNetwork& operator=(const TrainingNetwork&) = delete;

  /// Where the next batch is put: images [max_batch,H,W] bytes (one channel) and labels [max_batch], in the
  /// backend's memory.
  uint8_t* batch_images() { return bytes_.data(); }
  uint8_t* batch_labels() { return labels_.data(); }

  /// One training step on the first n images of the batch: forward, loss (added to the totals), gradients of
  /// all parameters, update. `step` keys the dropout. The backend may record it and repeat the recording:
  /// `note`, if given, hears of that.
  void train_step(int n, uint64_t step, const UpdateSettings& settings, const Note& note = {});
  /// Forward pass as in inference on the first n images; loss and hits are added to the totals.
  void evaluate(int n);

  /// The parts of a training step, and evaluation, on n <= max_batch images in host memory.
  void forward_backward(const uint8_t* images, const uint8_t* labels, int n, uint64_t step);
  void update(const UpdateSettings& settings);
  void evaluate(const uint8_t* images, const uint8_t* labels, int n);
  /// Logits [n,classes] of the last pass.
  std::vector<float> logits(int n) const;

  /// Sets every clipping level from the activations that reach it on the first n images of the batch, layer
  /// by layer; or on n images in host memory.
  void calibrate_alphas(int n);
  void calibrate_alphas(const uint8_t* images, int n);

  Totals totals() const;
  void set_totals(const Totals& totals);
  void reset_totals() { set_totals({}); }

  ParameterSet& parameters() {
    stale_ = true;  // the caller may change values
    return parameters_;
  }
  const ParameterSet& parameters() const { return parameters_; }
  const NetworkSpec& spec() const { return spec_; }
  /// A layer's scalar.
  struct LayerValue {
    std::string layer;
    float value;
  };
  std::vector<LayerValue> alphas() const;
  /// Scale of every quantised layer's weight codes in the last pass; not finite if its weights are not.
  std::vector<LayerValue> weight_scales() const;

 private:
  void build(const TrainingNetworkOptions& options);
  void upload_batch(const uint8_t* images, const uint8_t* labels, int n);
  void prepare();
  PassContext pass_of(int n, bool training) const { return {n, training, seed_, step_.data()}; }
  void forward(const PassContext& pass);
  void loss(int n, float* dlogits);
  void gradients(int n);
  bool run_recorded(int n, const UpdateSettings& settings, const Note& note);
  float* activation(size_t i) const { return activations_[i].data(); }  // input of layer i

  /// The step as the backend recorded it. Rates are frozen in it: another one is recorded where they change,
  /// which a schedule does a few times in a run.
  struct RecordedStep {
    UpdateSettings settings;
    std::unique_ptr<Backend::Recording> recording;
    bool warm = false;     ///< a step of this size has run: all memory is taken, all algorithms are chosen
    bool refused = false;  ///< the backend cannot record
  };

  Backend& backend_;
  NetworkSpec spec_;
  Loss loss_;
  int max_batch_;
  uint64_t seed_;
  ParameterSet parameters_;
  std::vector<std::unique_ptr<TrainingLayer>> layers_;
  std::vector<DeviceArray<float>> activations_;  // [layers + 1]
  DeviceArray<float> gradient_[2];
  DeviceArray<uint8_t> bytes_, labels_;
  DeviceArray<float> loss_sum_;
  DeviceArray<int32_t> correct_;
  DeviceArray<uint64_t> step_;  // in the backend's memory, so that a recorded step draws its own dropout
  RecordedStep recorded_;
  bool stale_ = true;  // parameters changed since the layers' prepare()
};

}  // namespace sramsim
