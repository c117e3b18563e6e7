// From integer sums to what a caller asked for.
#pragma once

#include "kernels/core/conv_shape.h"
#include "kernels/elementwise/loops.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim {

/// acc: int32_t, or float where sums are exact in it.
template <typename T>
void deliver_sums(const T* acc, size_t count, double* s) {
  for (size_t i = 0; i < count; ++i) s[i] = static_cast<double>(acc[i]);
}

/// acc [OW,O]: output row `row` of all rows of the images.
inline void deliver_row(const ConvShape& shape, const int32_t* acc, int64_t row, const SramOutput& output) {
  const auto count = static_cast<size_t>(shape.out_w()) * shape.o, at = static_cast<size_t>(row) * count;
  if (output.s) deliver_sums(acc, count, output.s + at);
  if (output.y)
    elementwise_loops().scale_int(acc, shape.out_w(), shape.o, output.act_scale, output.weight_scale,
                                  output.bias, output.relu, output.y + at);
}

}  // namespace sramsim
