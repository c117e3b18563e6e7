// The two divisions between a layer's sums and its outputs, and the products that may stand for them.
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

}  // namespace sramsim
