// Products with a factor in two floats that equal, bit for bit, what doubles or divisions give: two
// instructions instead of the three or more of slow pipes. The host finds out whether they do before a kernel
// relies on it.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/core/macros.h"

namespace sramsim {

/// A factor in two floats: x times it is fma(x, high, x * low), nearly exact before the one rounding that
/// counts.
struct TwoFloats {
  float high = 1.0f, low = 0.0f;
};
SRAMSIM_HD static inline float times(float x, const TwoFloats& factor) {
  return fmaf(x, factor.high, x * factor.low);
}

/// x / d from r = 1/d, correctly rounded. kCorrects: by one more Newton step, which is exact from a faithful
/// quotient on (Markstein, "Computation of elementary functions on the IBM RISC System/6000 processor", IBM
/// J. Res. Dev. 34(1), 1990).
template <bool kCorrects>
SRAMSIM_HD static inline float divide(float x, float d, const TwoFloats& r) {
  const float q = times(x, r);
  return kCorrects ? fmaf(fmaf(-q, d, x), r.high, q) : q;
}

/// The nearest float and what is left.
TwoFloats two_floats(double factor);

/// Whether n * factor is the float nearest to the double n * step for every whole number up to `most`, either
/// way. By trial: false where these are more than 2^18 and the step is not 1.
bool gives_sums(const TwoFloats& factor, double step, int64_t most);

/// Whether x * reciprocal is x / d, correctly rounded, for every float x where nothing underflows or
/// overflows. d > 0; `reciprocal`: two_floats(1.0 / d).
bool gives_quotients(const TwoFloats& reciprocal, float d);

}  // namespace sramsim
