// The elementwise mathematics of training, one element at a time: what the CPU's loops and the CUDA kernels
// both call. Float32, one rounding per written operation. The quantisers stand in quantise.h.
#pragma once

#include <cstdint>

#include "kernels/core/macros.h"

namespace sramsim {

// The functions are static: the same text is compiled for several instruction sets in one program, and no
// copy may stand in for another.

SRAMSIM_HD static inline float unit_of_byte(uint8_t byte) {
  return static_cast<float>(byte) / 255.0f;
}

SRAMSIM_HD static inline float relu_of(float x) {
  return x > 0.0f ? x : 0.0f;
}

/// What passes of a gradient whose ReLU gave y.
SRAMSIM_HD static inline float relu_gradient(float y, float g) {
  return y > 0.0f ? g : 0.0f;
}

/// A word of the draw below it drops the element: p as a fraction of 2^32.
SRAMSIM_HD static inline uint64_t dropout_threshold(float p) {
  return static_cast<uint64_t>(static_cast<double>(p) * 4294967296.0);
}

SRAMSIM_HD static inline float dropout_of(float x, uint32_t random, uint64_t threshold, float scale) {
  return random >= threshold ? x * scale : 0.0f;
}

/// PyTorch's SGD: g += wd*w; m = momentum*m + g; w -= lr*m.
SRAMSIM_HD static inline void sgd_update(float& w, float g, float& m, float lr, float momentum,
                                         float weight_decay) {
  const float d = g + weight_decay * w;
  m = momentum * m + d;
  w = w - lr * m;
}

}  // namespace sramsim
