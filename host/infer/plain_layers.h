// The layers without parameters, at inference.
#pragma once

#include <vector>

#include "host/infer/quantised_network.h"

namespace sramsim {

/// Largest output of these layers, elements per image (0 if there are none).
int64_t largest_output(const std::vector<PlainLayer>& layers);

/// Applies layers[first..] to n images in x [N,H,W,C] and returns where the result lies: x itself or one of
/// the two scratch buffers, each large enough for the largest output. x may be overwritten.
float* apply_plain(Backend& backend, const std::vector<PlainLayer>& layers, size_t first, int n, float* x,
                   float* const scratch[2]);

}  // namespace sramsim
