// From integer sums to what a caller asked for.
#pragma once

#include "kernels/core/conv_shape.h"
#include "kernels/elementwise/loops.h"
#include "kernels/sram_conv/scaled_output.h"

namespace sramsim {

/// acc: int32_t, or float where sums are exact in it.
template <typename T>
void deliver_sums(const T* acc, size_t count, double* s) {
  for (size_t i = 0; i < count; ++i) s[i] = static_cast<double>(acc[i]);
}

/// acc [OW,O]: output row `row` of all rows of the images.
inline void deliver_row(const ConvShape& shape, const int32_t* acc, int64_t row, const ScaledOutput& output) {
  const auto count = static_cast<size_t>(shape.out_w()) * shape.o, at = static_cast<size_t>(row) * count;
  const SramOutput& to = output.to;
  if (to.s) deliver_sums(acc, count, to.s + at);
  if (to.y)
    elementwise_loops().scale_int(acc, shape.out_w(), shape.o, output.scale, to.bias, to.relu, to.y + at);
}

}  // namespace sramsim
