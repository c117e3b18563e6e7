// How many input bits of a layer are set: what decides how many wordlines really switch.
#pragma once

#include <cstdint>

#include "kernels/core/conv_shape.h"

namespace sramsim {

/// Input bits that one image drives onto wordlines: A for each of the C*KH*KW rows of every output pixel,
/// padding included.
int64_t input_bits(const ConvShape& shape, int act_bits);

/// How many of the input bits of `n` images q [N,H,W,C] are set, each counted once per window that reads it;
/// padding counts as zeros. Exact.
int64_t count_set_bits(const ConvShape& shape, const uint8_t* q, int n);

/// Their share, 0..1; 0 for no images.
double measure_bit_density(const ConvShape& shape, int act_bits, const uint8_t* q, int n);

}  // namespace sramsim
