// Products with a factor in two floats that equal, bit for bit, what doubles or divisions give: two
// instructions instead of the three or more of slow pipes. The host finds out whether they do before a kernel
// relies on it.
#pragma once

#include <cstdint>

#include "kernels/sram_conv/sram_args_cuda.h"

namespace sramsim::cuda {

/// The nearest float and what is left.
TwoFloats two_floats(double factor);

/// Whether n * factor is the float nearest to the double n * step for every whole number up to `most`, either
/// way. By trial: false where these are more than 2^18 and the step is not 1.
bool gives_sums(const TwoFloats& factor, double step, int64_t most);

/// Whether x * reciprocal is x / d, correctly rounded, for every float x where nothing underflows or
/// overflows. d > 0; `reciprocal`: two_floats(1.0 / d).
bool gives_quotients(const TwoFloats& reciprocal, float d);

}  // namespace sramsim::cuda
