// The last step of a kernel, from integer sums to outputs, over channels. Included by the sources that are
// compiled for one instruction set and, like everything there, in their unnamed namespace.
#pragma once

#include "kernels/sram_conv/sram_conv.h"

namespace sramsim {
namespace {

/// Output channels [first, first + count) of one output pixel.
struct ChannelRange {
  int64_t at;  ///< of the first, in the outputs
  int first, count;
};

/// y or S of the channels whose shift-add is `sums`; the operations of sram_conv.h in their order.
inline void write_outputs(const SramOutput& out, double step, int32_t offset, const int32_t* sums,
                          int32_t window_sum, ChannelRange range) {
  const int n = range.count;
  if (out.s) {
    double* s = out.s + range.at;
    for (int o = 0; o < n; ++o) s[o] = sram_sum(sums[o], step, offset, window_sum);
  }
  if (!out.y) return;
  float* y = out.y + range.at;
  if (out.bias) {
    const float* bias = out.bias + range.first;
    for (int o = 0; o < n; ++o)
      y[o] = layer_output(sram_sum(sums[o], step, offset, window_sum), out.act_scale, out.weight_scale,
                          bias[o], out.relu);
  } else {
    for (int o = 0; o < n; ++o)
      y[o] = layer_output(sram_sum(sums[o], step, offset, window_sum), out.act_scale, out.weight_scale, 0.0f,
                          out.relu);
  }
}

}  // namespace
}  // namespace sramsim
