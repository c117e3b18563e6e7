// The quantisers, element by element: the mathematics that every backend calls. Float32, one rounding per
// written operation.
//
//   activations (PACT)  q = round_half_even(min(max(x,0), alpha) * scale),  scale = (2^A - 1)/alpha
//   weights (SAWB)      c = round_half_even(clamp(w,-alpha,alpha) * scale), scale = n/alpha, n = 2^(B-1) - 1
#pragma once

#include <cmath>
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
  // No &&: its branch keeps compilers from making vectors of a loop over this.
  return static_cast<bool>(static_cast<int>(x <= alpha) &
                           static_cast<int>(after_relu ? x > 0.0f : x >= 0.0f));
}

SRAMSIM_HD static inline float passed_gradient(float x, float alpha, bool after_relu, float g) {
  return activation_passes(x, alpha, after_relu) ? g : 0.0f;
}

/// What an element adds to the gradient of alpha.
SRAMSIM_HD static inline float clipped_gradient(float x, float alpha, float g) {
  return x >= alpha ? g : 0.0f;
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

/// The clip from a tensor's sums: `squares` = sum of (w - mean)^2, unbiased with n-1. Where the formula gives
/// no positive clip (constant, zero or very spread weights): max|w|, or 1 if all weights are zero.
SRAMSIM_HD static inline float sawb_clip(double abs_sum, double squares, float abs_max, double n, int bits) {
  const auto std_dev = static_cast<float>(sqrt(squares / (n - 1.0)));
  const auto abs_mean = static_cast<float>(abs_sum / n);
  const SawbCoefficients z = sawb_coefficients(bits);
  const float alpha = static_cast<float>(1.0 / z.z0) * std_dev - static_cast<float>(z.z1 / z.z0) * abs_mean;
  constexpr float kSmallest = 1e-30f;  // below it the scale would leave float's range
  if (alpha > kSmallest) return alpha;
  return abs_max > kSmallest ? abs_max : 1.0f;
}

/// n/alpha with n = 2^(bits-1) - 1.
SRAMSIM_HD static inline float weight_scale_of(float alpha, int bits) {
  return static_cast<float>((1 << (bits - 1)) - 1) / alpha;
}

}  // namespace sramsim
