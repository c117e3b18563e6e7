// One layer of a network in training: forward and backward on the backend. One file per layer; the registry
// knows them by LayerType. Tensors are [n,H,W,C] in the backend's memory and belong to the network.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "host/layer/parameters.h"
#include "host/model/network.h"
#include "kernels/backend/backend.h"

namespace sramsim {

/// A layer's place in its network, for its construction.
struct LayerContext {
  Backend& backend;
  ParameterSet& parameters;  ///< the layer declares its tensors here
  const LayerSpec& spec;
  const NetworkSpec::Placed& placed;
  int index = 0;      ///< in the network
  int max_batch = 0;  ///< images of the largest batch
  int weight_bits = 4, act_bits = 4;
  float alpha_init = 10.0f;
  ConvBackward conv_backward = ConvBackward::kAuto;
  /// The layer's input is a ReLU's output: its backward pass takes the mask x > 0 along, in the pass over x
  /// that it makes anyway.
  bool input_is_relu = false;
  /// The layer applies the ReLU that follows it; gradients arrive already masked.
  bool fuse_relu = false;
};

/// One pass through the network.
struct PassContext {
  int n = 0;  ///< images
  bool training = false;
  uint64_t seed = 0;
  const uint64_t* step = nullptr;  ///< training step since the start of the run, in the backend's memory
};

class TrainingLayer {
 public:
  explicit TrainingLayer(const LayerContext& context);
  virtual ~TrainingLayer() = default;
  TrainingLayer(const TrainingLayer&) = delete;
  TrainingLayer& operator=(const TrainingLayer&) = delete;

  /// The parameters have changed since the last pass.
  virtual void prepare() {}
  virtual void forward(const PassContext& pass, const float* x, float* y) = 0;
  /// After forward() of the same pass: forms the parameters' gradients and the input's, in dx or in dy, and
  /// returns which. dy may be overwritten.
  virtual float* backward(const PassContext& pass, const float* x, const float* y, float* dy, float* dx) = 0;
  /// The clipping level of the layer's activation quantiser in the ParameterSet, or -1.
  virtual int alpha_id() const { return -1; }
  /// Scale of the weight codes of the last prepare(); waits for the device.
  virtual float weight_scale() const { return 1.0f; }
  const std::string& name() const { return name_; }
  /// The name, or else the type: for profiles.
  const char* label() const { return name_.empty() ? type_name(type_) : name_.c_str(); }

  int64_t inputs() const;   ///< elements of one image
  int64_t outputs() const;  ///< elements of one image

 protected:
  /// Masks a finished input gradient where the layer's own passes could not.
  float* mask_relu(const PassContext& pass, const float* x, float* dx);

  Backend& backend_;
  const std::string name_;
  const LayerType type_;
  const NetworkSpec::Placed placed_;
  const bool input_is_relu_;
};

struct TrainingLayerType {
  LayerType type;
  std::unique_ptr<TrainingLayer> (*make)(const LayerContext& context);
};

std::unique_ptr<TrainingLayer> make_quantised_layer(const LayerContext& context);  ///< conv and linear
std::unique_ptr<TrainingLayer> make_relu_layer(const LayerContext& context);
std::unique_ptr<TrainingLayer> make_avg_pool_layer(const LayerContext& context);
std::unique_ptr<TrainingLayer> make_max_pool_layer(const LayerContext& context);
std::unique_ptr<TrainingLayer> make_flatten_layer(const LayerContext& context);
std::unique_ptr<TrainingLayer> make_dropout_layer(const LayerContext& context);

/// By the registry. InputError for a type that cannot be trained.
std::unique_ptr<TrainingLayer> make_training_layer(const LayerContext& context);

}  // namespace sramsim
