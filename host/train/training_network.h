// A network in training: its layers, parameters, activations and gradient buffers on one backend. All memory
// is allocated at construction.
#pragma once

#include <cstdint>
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

  /// One training step without the update: forward, loss (added to the totals), gradients of all parameters.
  /// images [n,H,W] bytes (one channel) and labels [n] in host memory, n <= max_batch; `step` keys the
  /// dropout.
  void forward_backward(const uint8_t* images, const uint8_t* labels, int n, uint64_t step);
  void update(float lr, float momentum, float weight_decay, float alpha_lambda);
  /// Forward pass as in inference; loss and hits are added to the totals.
  void evaluate(const uint8_t* images, const uint8_t* labels, int n);
  /// Logits [n,classes] of the last pass.
  std::vector<float> logits(int n) const;

  /// Sets every clipping level from the activations that reach it on these n images, layer by layer.
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
  void load_images(const uint8_t* images, int n);
  void forward(const PassContext& pass);
  void loss(const uint8_t* labels, int n, float* dlogits);
  float* activation(size_t i) const { return activations_[i].data(); }  // input of layer i

  Backend& backend_;
  NetworkSpec spec_;
  Loss loss_;
  uint64_t seed_;
  ParameterSet parameters_;
  std::vector<std::unique_ptr<TrainingLayer>> layers_;
  std::vector<DeviceArray<float>> activations_;  // [layers + 1]
  DeviceArray<float> gradient_[2];
  DeviceArray<uint8_t> bytes_, labels_;
  DeviceArray<float> loss_sum_;
  DeviceArray<int32_t> correct_;
  bool stale_ = true;  // parameters changed since the layers' prepare()
};

}  // namespace sramsim
