// A clipping level from data: where the activation quantiser loses least.
#pragma once

#include <span>

namespace sramsim {

/// The alpha that minimises sum (x - dequantised(x))^2 over the positive x for 2^bits - 1 levels, found on a
/// histogram by a coarse and a fine search. 1 if no x is positive.
float best_activation_clip(std::span<const float> x, int bits);

}  // namespace sramsim
