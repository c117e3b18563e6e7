// The quantisers, element by element: the mathematics that every backend calls. Float32, one rounding per
// written operation.
//
//   activations (PACT)  q = round_half_even(min(max(x,0), alpha) * scale),  scale = (2^A - 1)/alpha
//   weights (SAWB)      c = round_half_even(clamp(w,-alpha,alpha) * scale), scale = n/alpha, n = 2^(B-1) - 1
#pragma once

#include <cstdint>

#include "kernels/core/macros.h"

namespace sramsim {

// The functions are static: the same text is compiled for several instruction sets in one program, and no
// copy may stand in for another.

/// Exact for |x| < 2^22 in the default rounding mode; unlike rintf it is one form for SSE2, AVX and CUDA.
SRAMSIM_HD static inline float round_half_even(float x) {
  constexpr float kShift = 12582912.0f;  // 1.5 * 2^23: the sum's last bit weighs one
  return (x + kShift) - kShift;
}

SRAMSIM_HD static inline float act_scale_of(float alpha, int bits) {
  return static_cast<float>((1 << bits) - 1) / alpha;
}

/// NaN becomes 0.
SRAMSIM_HD static inline int32_t activation_code(float x, float alpha, float scale) {
  float v = x > 0.0f ? x : 0.0f;
  v = v < alpha ? v : alpha;
  return static_cast<int32_t>(round_half_even(v * scale));
}

/// Gradient mask of the straight-through estimator; `after_relu` takes the ReLU's own mask (x > 0) along.
SRAMSIM_HD static inline bool activation_passes(float x, float alpha, bool after_relu) {
  return x <= alpha && (after_relu ? x > 0.0f : x >= 0.0f);
}

SRAMSIM_HD static inline int32_t weight_code(float w, float alpha, float scale) {
  float v = w > -alpha ? w : -alpha;
  v = v < alpha ? v : alpha;
  return static_cast<int32_t>(round_half_even(v * scale));
}

/// alpha = c1*std(w) - c2*mean|w| with c1 = 1/z0, c2 = z1/z0.
struct SawbCoefficients {
  double z0, z1;
};

/// SAWB (Choi et al., "Accurate and Efficient 2-bit Quantized Neural Networks", MLSys 2019): the clip that
/// minimises the squared quantisation error is linear in std and mean|w| over common weight distributions.
/// The rows for 4 and 8 bits are the widely used published fits; the others are fitted as in the paper (least
/// squares over Gauss, uniform, Laplace, logistic, triangle and von Mises samples) for this quantiser's
/// symmetric 2^B - 1 levels: bench/fit_sawb.py reproduces them.
SRAMSIM_HD static inline SawbCoefficients sawb_coefficients(int bits) {
  switch (bits) {
    case 2:
      return {0.396, 0.635};
    case 3:
      return {0.144, 0.907};
    case 4:
      return {0.077, 1.013};
    case 5:
      return {0.059, 1.052};
    case 6:
      return {0.045, 1.082};
    case 7:
      return {0.036, 1.102};
    default:
      return {0.027, 1.114};
  }
}

}  // namespace sramsim
