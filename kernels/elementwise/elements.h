// Elementwise operations as small structs: the arguments, calls(), and operator()(call), which does one
// call's share alone. The device runs the calls in parallel, one thread each; tests run the same text in a
// loop.
#pragma once

#include "kernels/core/elementwise.h"
#include "kernels/core/philox.h"
#include "kernels/core/quantise.h"
#include "kernels/elementwise/four.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim::elements {

struct BytesToUnit {
  static constexpr const char* kName = "bytes_to_unit";
  const uint8_t* bytes;
  size_t count;
  float* x;
  size_t calls() const { return groups_of_four(count); }
  SRAMSIM_HD void operator()(size_t call) const {
    map_four(
        call, count, [](int, uint8_t b) { return unit_of_byte(b); }, x, bytes);
  }
};

struct QuantiseActivations {
  static constexpr const char* kName = "quantise_activations";
  const float* x;
  size_t count;
  const float* alpha;
  int bits;
  uint8_t* q;
  size_t calls() const { return groups_of_four(count); }
  SRAMSIM_HD void operator()(size_t call) const {
    const float clip = *alpha, scale = act_scale_of(clip, bits);
    map_four(
        call, count, [&](int, float v) { return static_cast<uint8_t>(activation_code(v, clip, scale)); }, q,
        x);
  }
};

struct QuantiseWeights {
  static constexpr const char* kName = "quantise_weights";
  const float* w;
  size_t count;
  const float* clip;  ///< alpha and scale, two values
  int8_t* codes;
  size_t calls() const { return groups_of_four(count); }
  SRAMSIM_HD void operator()(size_t call) const {
    const float alpha = clip[0], scale = clip[1];
    map_four(
        call, count, [&](int, float v) { return static_cast<int8_t>(weight_code(v, alpha, scale)); }, codes,
        w);
  }
};

/// x = q / act_scale: the activations that the forward pass used.
struct RealActivations {
  static constexpr const char* kName = "real_activations";
  const uint8_t* q;
  size_t count;
  const float* alpha;
  int bits;
  float* x;
  size_t calls() const { return groups_of_four(count); }
  SRAMSIM_HD void operator()(size_t call) const {
    const float scale = act_scale_of(*alpha, bits);
    map_four(
        call, count, [&](int, uint8_t code) { return static_cast<float>(code) / scale; }, x, q);
  }
};

/// w = c / weight_scale.
struct RealWeights {
  static constexpr const char* kName = "real_weights";
  const int8_t* codes;
  size_t count;
  const float* weight_scale;
  float* w;
  size_t calls() const { return groups_of_four(count); }
  SRAMSIM_HD void operator()(size_t call) const {
    const float scale = *weight_scale;
    map_four(
        call, count, [&](int, int8_t code) { return static_cast<float>(code) / scale; }, w, codes);
  }
};

/// y = layer_output(y) in place, from sums in whole floats; the channel is the fastest index.
struct ScaleSums {
  static constexpr const char* kName = "scale_sums";
  size_t count;
  int o;
  const float* act_alpha;
  int act_bits;
  const float* weight_scale;
  const float* bias;  ///< [O] or null
  bool relu;
  float* y;
  size_t calls() const { return groups_of_four(count); }
  SRAMSIM_HD void operator()(size_t call) const {
    const float act = act_scale_of(*act_alpha, act_bits), weight = *weight_scale;
    const int first = bias != nullptr ? static_cast<int>(4 * call % static_cast<size_t>(o)) : 0;
    map_four(
        call, count,
        [&](int k, float s) {
          const float b = bias != nullptr ? bias[(first + k) % o] : 0.0f;
          return layer_output(static_cast<double>(s), act, weight, b, relu);
        },
        y, y);
  }
};

struct Relu {
  static constexpr const char* kName = "relu";
  const float* x;
  size_t count;
  float* y;
  size_t calls() const { return groups_of_four(count); }
  SRAMSIM_HD void operator()(size_t call) const {
    map_four(
        call, count, [](int, float v) { return relu_of(v); }, y, x);
  }
};

struct ReluBackward {
  static constexpr const char* kName = "relu_backward";
  const float* y;
  size_t count;
  float* grad;
  size_t calls() const { return groups_of_four(count); }
  SRAMSIM_HD void operator()(size_t call) const {
    map_four(
        call, count, [](int, float v, float g) { return relu_gradient(v, g); }, grad, y, grad);
  }
};

/// Four elements are one block of the random draw.
struct Dropout {
  static constexpr const char* kName = "dropout";
  const float* x;
  size_t count;
  uint64_t threshold;
  float scale;
  RandomKey key;
  const uint64_t* step;  ///< added to key.step, or null
  float* y;
  size_t calls() const { return groups_of_four(count); }
  SRAMSIM_HD void operator()(size_t call) const {
    RandomKey now = key;
    if (step != nullptr) now.step += *step;
    const Philox4 random = philox_block(now, call);
    map_four(
        call, count, [&](int k, float v) { return dropout_of(v, random.word[k], threshold, scale); }, y, x);
  }
};

struct Sgd {
  static constexpr const char* kName = "sgd";
  float* w;
  const float* g;
  float* m;
  size_t count;
  float lr, momentum, weight_decay;
  size_t calls() const { return count; }
  SRAMSIM_HD void operator()(size_t i) const { sgd_update(w[i], g[i], m[i], lr, momentum, weight_decay); }
};

/// A batch of a data set in device memory, by the images' numbers: image i is `order[first + i]`.
struct GatherImages {
  static constexpr const char* kName = "gather_images";
  const uint8_t* images;  ///< [count,pixels]
  const uint8_t* labels;  ///< [count]
  const int32_t* order;
  int64_t first;
  int n;
  size_t pixels;
  uint8_t* to_images;  ///< [n,pixels]
  uint8_t* to_labels;  ///< [n]
  size_t calls() const { return static_cast<size_t>(n) * pixels; }
  SRAMSIM_HD void operator()(size_t call) const {
    const size_t i = call / pixels, pixel = call % pixels;
    const auto from = static_cast<size_t>(order[first + static_cast<int64_t>(i)]);
    to_images[call] = images[from * pixels + pixel];
    if (pixel == 0) to_labels[i] = labels[from];
  }
};

}  // namespace sramsim::elements
