// A trained network made ready for inference: weights quantised once, the rest of the layers as plain steps.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/model/network.h"
#include "kernels/backend/backend.h"

namespace sramsim {

/// A convolution or linear layer (1x1 convolution on a 1x1 image) with its codes and scales.
struct QuantisedLayer {
  std::string name;
  LayerType type = LayerType::kQConv;
  ConvShape shape;
  std::vector<int8_t> codes;  ///< host, [O,KH,KW,C]
  float weight_scale = 1.0f;
  float act_scale = 1.0f;        ///< (2^A-1)/alpha
  DeviceArray<float> act_alpha;  ///< one value
  DeviceArray<float> bias;       ///< [O] or empty
};

/// A layer without parameters that changes numbers at inference: ReLU, pooling, flatten.
struct PlainLayer {
  LayerType type = LayerType::kReLU;
  int size = 1;             ///< pooling window = stride
  int h = 1, w = 1, c = 1;  ///< input image
  int64_t outputs = 1;      ///< elements of one output image

  int64_t inputs() const { return int64_t{h} * w * c; }
};

class QuantisedNetwork {
 public:
  /// Uploads and quantises. `weight_bits` / `act_bits` = 0 keep the checkpoint's. InputError for widths out
  /// of range (weights 2..8, activations 1..8) or a network that has no quantised layer or does not end in
  /// its classes.
  QuantisedNetwork(Backend& backend, const Checkpoint& checkpoint, int weight_bits = 0, int act_bits = 0);

  const NetworkSpec& spec() const { return spec_; }  ///< with the bit widths in use
  int weight_bits() const { return spec_.weight_bits; }
  int act_bits() const { return spec_.act_bits; }
  const std::vector<QuantisedLayer>& layers() const { return layers_; }
  /// The plain layers that stand after quantised layer l, or before the first one for l = -1. Layers that do
  /// nothing at inference (dropout, flatten of a 1x1 image) are left out.
  const std::vector<PlainLayer>& plain_after(int l) const { return plain_[l + 1]; }

 private:
  void add_quantised(Backend& backend, const Checkpoint& checkpoint, const LayerSpec& layer,
                     const ConvShape& shape);

  NetworkSpec spec_;
  std::vector<QuantisedLayer> layers_;
  std::vector<std::vector<PlainLayer>> plain_{1};
};

}  // namespace sramsim
