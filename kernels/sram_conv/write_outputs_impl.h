// The last step of a kernel, from integer sums to outputs, over channels. Included by the sources that are
// compiled for one instruction set and, like everything there, in their unnamed namespace.
#pragma once

#include "kernels/sram_conv/scaled_output.h"
#include "kernels/sram_conv/sum_step.h"

namespace sramsim {
namespace {

/// Output channels [first, first + count) of one output pixel.
struct ChannelRange {
  int64_t at;  ///< of the first, in the outputs
  int first, count;
};

/// The integer shift-adds of some channels, and what makes S of them.
struct ChannelSums {
  const int32_t* acc;
  const SumStep& step;
  int32_t offset, window_sum;
  double operator[](int o) const { return sram_sum(acc[o], step.step, offset, window_sum); }
};

template <class Bias>
inline void write_y(const ScaledOutput& out, const ChannelSums& sums, int n, float* y, Bias bias) {
  const OutputScale& scale = out.scale;
  const bool relu = out.to.relu;
  if (sums.offset == 0 && sums.step.exact && scale.exact) {
    for (int o = 0; o < n; ++o) {
      const float s = times(static_cast<float>(sums.acc[o]), sums.step.factor);
      y[o] = add_bias(quotient(s, scale), bias(o), relu);
    }
  } else {
    for (int o = 0; o < n; ++o) y[o] = layer_output(sums[o], scale.act, scale.weight, bias(o), relu);
  }
}

/// y or S of the channels whose shift-adds are `sums`; the operations of sram_conv.h in their order, or what
/// gives the same bits.
inline void write_outputs(const ScaledOutput& out, const ChannelSums& sums, ChannelRange range) {
  const int n = range.count;
  if (out.to.s)
    for (int o = 0; o < n; ++o) out.to.s[range.at + o] = sums[o];
  if (!out.to.y) return;
  float* y = out.to.y + range.at;
  if (out.to.bias) {
    const float* bias = out.to.bias + range.first;
    write_y(out, sums, n, y, [=](int o) { return bias[o]; });
  } else {
    write_y(out, sums, n, y, [](int) { return 0.0f; });
  }
}

}  // namespace
}  // namespace sramsim
