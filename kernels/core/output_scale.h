// From a layer's sums to its outputs: two divisions, or the products that may stand for them, and a bias.
#pragma once

#include "kernels/core/two_floats.h"

namespace sramsim {

struct OutputScale {
  float act = 1.0f, weight = 1.0f;  ///< divisors, in this order
  TwoFloats act_reciprocal, weight_reciprocal;
  bool normal = false;  ///< between 2^-30 and 2^30: every intermediate of a quotient is a normal number
  bool exact = false;   ///< normal, and products with the reciprocals are the quotients: 39 of 40 pairs
};

OutputScale output_scale(float act, float weight);

/// s / act / weight by the reciprocals: where scale.exact, or with kCorrects where scale.normal.
template <bool kCorrects = false>
SRAMSIM_HD static inline float quotient(float s, const OutputScale& scale) {
  const float scaled = divide<kCorrects>(s, scale.act, scale.act_reciprocal);
  return divide<kCorrects>(scaled, scale.weight, scale.weight_reciprocal);
}

SRAMSIM_HD static inline float add_bias(float quotient, float bias, bool relu) {
  const float y = quotient + bias;
  return relu && !(y > 0.0f) ? 0.0f : y;
}

}  // namespace sramsim
