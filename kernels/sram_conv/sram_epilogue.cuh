// The last step of every CUDA kernel: from the integer shift-add to S or the layer's output, as the CPU does
// it.
#pragma once

#include <cmath>

#include "kernels/sram_conv/sram_args_cuda.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim::cuda {

/// One output pixel. Its flat index also orders the outputs; `first` is its window's top left padded pixel.
struct OutputPixel {
  bool valid = false;
  int64_t index = 0;  ///< (n*OH + oh)*OW + ow
  int64_t first = 0;  ///< (n*height + oh*stride)*width + ow*stride
};

SRAMSIM_DEVICE OutputPixel output_pixel(const Geometry& g, int n, int oh, int ow) {
  OutputPixel pixel;
  pixel.valid = n < g.n && oh < g.oh && ow < g.ow;
  pixel.index = (int64_t{n} * g.oh + oh) * g.ow + ow;
  pixel.first = (int64_t{n} * g.height + oh * g.stride) * g.width + ow * g.stride;
  return pixel;
}

/// The same from the flat index, for kernels whose tiles are runs of pixels.
SRAMSIM_DEVICE OutputPixel output_pixel(const Geometry& g, int64_t index) {
  const int ow = static_cast<int>(index % g.ow);
  const int64_t row = index / g.ow;
  return output_pixel(g, static_cast<int>(row / g.oh), static_cast<int>(row % g.oh), ow);
}

/// Sum of q over the window of an output pixel, for the offset encoding; 0 otherwise.
SRAMSIM_DEVICE int32_t window_sum(const Geometry& g, const Epilogue& e, const OutputPixel& pixel) {
  if (e.offset_weight == 0 || !pixel.valid) return 0;
  int32_t sum = 0;
  for (int y = 0; y < g.kh; ++y)
    for (int x = 0; x < g.kw; ++x) sum += e.channel_sums[pixel.first + int64_t{y} * g.width + x];
  return sum;
}

/// S of one output, and the layer's output from it.
SRAMSIM_DEVICE double real_sum(const Epilogue& e, int32_t acc, int32_t window) {
  return sram_sum(acc, e.sum.step, e.offset_weight, window);
}
SRAMSIM_DEVICE float real_output(const Epilogue& e, int o, int32_t acc, int32_t window) {
  return layer_output(real_sum(e, acc, window), e.scale.act, e.scale.weight,
                      e.bias != nullptr ? e.bias[o] : 0.0f, e.relu);
}

/// Delivers the shift-add `acc` of output channel o.
SRAMSIM_DEVICE void store_sum(const Geometry& g, const Epilogue& e, const OutputPixel& pixel, int o,
                              int32_t acc, int32_t window) {
  if (!pixel.valid || o >= g.o) return;
  const int64_t at = pixel.index * g.o + o;
  if (e.s != nullptr)
    e.s[at] = real_sum(e, acc, window);
  else
    e.y[at] = real_output(e, o, acc, window);
}

/// The sums of kCount outputs as floats, without doubles where that gives the same. All at once, before the
/// first is used: their latencies overlap.
template <int kCount>
SRAMSIM_DEVICE void float_sums(const Epilogue& e, const int32_t (&acc)[kCount], int32_t window,
                               float (&s)[kCount]) {
  if (e.sum.exact) {
    SRAMSIM_UNROLL
    for (int k = 0; k < kCount; ++k) s[k] = times(static_cast<float>(acc[k]), e.sum.factor);
  } else if (e.offset_weight == 0) {
    SRAMSIM_UNROLL
    for (int k = 0; k < kCount; ++k) s[k] = static_cast<float>(sram_sum(acc[k], e.sum.step, 0, 0));
  } else {
    SRAMSIM_UNROLL
    for (int k = 0; k < kCount; ++k) s[k] = static_cast<float>(real_sum(e, acc[k], window));
  }
}

/// real_output(), the same bits, without a division.
template <bool kCorrects>
SRAMSIM_DEVICE float fast_output(const Epilogue& e, float bias, float s) {
  const float y = quotient<kCorrects>(s, e.scale) + bias;
  return e.relu ? fmaxf(y, 0.0f) : y;
}

template <int kCount>
struct alignas(4 * kCount) Floats {
  float value[kCount];
};

/// Where one thread's output channels are: runs of kRun from an even channel on, each kStep after the one
/// before.
template <int kRun, int kStep>
struct Channels {
  static_assert(kRun % 2 == 0 && kStep % 2 == 0);
  int first;
  SRAMSIM_DEVICE int operator[](int k) const { return first + k / kRun * kStep + k % kRun; }
};

/// kBest: four outputs at a time where runs allow it, and quotients that need no correction.
template <bool kBest, int kRun, int kStep, int kCount>
SRAMSIM_DEVICE void store_fast_outputs(const Geometry& g, const Epilogue& e, const OutputPixel& pixel,
                                       const Channels<kRun, kStep>& channels, const float (&s)[kCount]) {
  constexpr int kWidth = kBest && kRun % 4 == 0 ? 4 : 2;
  float* y = e.y + pixel.index * g.o;
  SRAMSIM_UNROLL
  for (int k = 0; k < kCount; k += kWidth) {
    const int o = channels[k];
    if (o >= g.o) return;
    Floats<kWidth> out = {};
    if (e.bias != nullptr) out = *reinterpret_cast<const Floats<kWidth>*>(e.bias + o);
    SRAMSIM_UNROLL
    for (int c = 0; c < kWidth; ++c) out.value[c] = fast_output<!kBest>(e, out.value[c], s[k + c]);
    *reinterpret_cast<Floats<kWidth>*>(y + o) = out;
  }
}

/// Where e.fast: delivers the shift-adds of some output channels of a pixel.
template <int kRun, int kStep, int kCount>
SRAMSIM_DEVICE void store_fast_sums(const Geometry& g, const Epilogue& e, const OutputPixel& pixel,
                                    const Channels<kRun, kStep>& channels, const int32_t (&acc)[kCount],
                                    int32_t window) {
  float s[kCount];
  float_sums(e, acc, window, s);
  if (e.scale.exact && (kRun % 4 != 0 || e.fours))
    store_fast_outputs<true>(g, e, pixel, channels, s);
  else
    store_fast_outputs<false>(g, e, pixel, channels, s);
}

/// Where e.plain: delivers the shift-adds of some output channels of two pixels, sum(pixel, channel). Without
/// a branch before the stores, so that latencies overlap.
template <int kCount, int kRun, int kStep, class Sum>
SRAMSIM_DEVICE void store_plain_outputs(const Geometry& g, const Epilogue& e, const OutputPixel& first,
                                        const OutputPixel& second, const Channels<kRun, kStep>& channels,
                                        Sum sum) {
  constexpr int kWidth = kRun % 4 == 0 ? 4 : 2, kRuns = kCount / kWidth;
  Floats<kWidth> bias[kRuns] = {}, out[2][kRuns];
  SRAMSIM_UNROLL
  for (int r = 0; r < kRuns; ++r) {
    const int o = channels[r * kWidth];
    if (e.bias != nullptr && o < g.o) bias[r] = *reinterpret_cast<const Floats<kWidth>*>(e.bias + o);
  }
  SRAMSIM_UNROLL
  for (int h = 0; h < 2; ++h) {
    SRAMSIM_UNROLL
    for (int k = 0; k < kCount; ++k)
      out[h][k / kWidth].value[k % kWidth] = fast_output<false>(
          e, bias[k / kWidth].value[k % kWidth], times(static_cast<float>(sum(h, k)), e.sum.factor));
  }
  SRAMSIM_UNROLL
  for (int h = 0; h < 2; ++h) {
    const OutputPixel& pixel = h == 0 ? first : second;
    float* y = e.y + pixel.index * g.o;
    SRAMSIM_UNROLL
    for (int r = 0; r < kRuns; ++r) {
      const int o = channels[r * kWidth];
      if (pixel.valid && o < g.o) *reinterpret_cast<Floats<kWidth>*>(y + o) = out[h][r];
    }
  }
}

/// Delivers the shift-adds of some output channels of a pixel.
template <int kRun, int kStep, int kCount>
SRAMSIM_DEVICE void store_sums(const Geometry& g, const Epilogue& e, const OutputPixel& pixel,
                               const Channels<kRun, kStep>& channels, const int32_t (&acc)[kCount],
                               int32_t window) {
  if (e.fast) {
    store_fast_sums(g, e, pixel, channels, acc, window);
    return;
  }
  int32_t all[kCount];  // in local memory, so that one small loop does
  SRAMSIM_UNROLL
  for (int k = 0; k < kCount; ++k) all[k] = acc[k];
  SRAMSIM_NO_UNROLL
  for (int k = 0; k < kCount; ++k) store_sum(g, e, pixel, channels[k], all[k], window);
}

}  // namespace sramsim::cuda
