// Quantisation of one weight tensor: SAWB-style statistics, then codes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sramsim {

/// alpha = c1*std(w) - c2*mean|w| with the unbiased std (N-1), sums in double, alpha itself in float. Where
/// that is no positive clip (constant, zero or very spread weights), alpha = max|w|, or 1 if all weights are
/// zero. codes [count]; *scale = n/alpha, n = 2^(bits-1) - 1. bits 2..8. `partial` is scratch kept between
/// calls.
void quantise_weight_tensor(const float* w, size_t count, int bits, int8_t* codes, float* scale,
                            std::vector<double>& partial);

}  // namespace sramsim
