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

/// Sum of q over the window of output (oh, ow) of image n, for the offset encoding; 0 otherwise.
SRAMSIM_DEVICE int32_t window_sum(const Geometry& g, const Epilogue& e, int n, int oh, int ow) {
  if (e.offset_weight == 0) return 0;
  const int32_t* first = e.channel_sums + (int64_t{n} * g.height + oh * g.stride) * g.width + ow * g.stride;
  int32_t sum = 0;
  for (int y = 0; y < g.kh; ++y)
    for (int x = 0; x < g.kw; ++x) sum += first[int64_t{y} * g.width + x];
  return sum;
}
/// The same where the window's place is known anyhow.
SRAMSIM_DEVICE int32_t window_sum(const Geometry& g, const Epilogue& e, const OutputPixel& pixel) {
  if (e.offset_weight == 0 || !pixel.valid) return 0;
  int32_t sum = 0;
  for (int y = 0; y < g.kh; ++y)
    for (int x = 0; x < g.kw; ++x) sum += e.channel_sums[pixel.first + int64_t{y} * g.width + x];
  return sum;
}

/// S of one output, and the layer's output from it.
SRAMSIM_DEVICE double real_sum(const Epilogue& e, int32_t acc, int32_t window) {
  return sram_sum(acc, e.step, e.offset_weight, window);
}
SRAMSIM_DEVICE float real_output(const Epilogue& e, int o, int32_t acc, int32_t window) {
  return layer_output(real_sum(e, acc, window), e.act_scale, e.weight_scale,
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

/// x / d, correctly rounded, from r = 1/d rounded to nearest: two Newton steps on the quotient; the first
/// makes it faithful, after which the second is exact (Markstein, "Computation of elementary functions on the
/// IBM RISC System/6000 processor", IBM J. Res. Dev. 34(1), 1990). No step may underflow: see Epilogue::fast.
SRAMSIM_DEVICE float divide(float x, float d, float r) {
  float q = x * r;
  q = fmaf(fmaf(-q, d, x), r, q);
  return fmaf(fmaf(-q, d, x), r, q);
}

/// S as a float, without doubles for whole steps.
SRAMSIM_DEVICE float float_sum(const Epilogue& e, int32_t acc, int32_t window) {
  return e.plain ? static_cast<float>(acc) : static_cast<float>(real_sum(e, acc, window));
}
/// The layer's output from it without a division.
SRAMSIM_DEVICE float fast_output(const Epilogue& e, float bias, float s) {
  float y = divide(divide(s, e.act_scale, e.act_reciprocal), e.weight_scale, e.weight_reciprocal);
  y = y + bias;
  return e.relu && !(y > 0.0f) ? 0.0f : y;
}
/// real_output(), the same bits.
SRAMSIM_DEVICE float fast_output(const Epilogue& e, float bias, int32_t acc, int32_t window) {
  return fast_output(e, bias, float_sum(e, acc, window));
}

struct alignas(8) FloatPair {
  float low, high;
};

/// Delivers the shift-adds of kChannels output channels from o, which is even, on.
template <int kChannels>
SRAMSIM_DEVICE void store_sums(const Geometry& g, const Epilogue& e, const OutputPixel& pixel, int o,
                               const int32_t (&acc)[kChannels], int32_t window) {
  if (!e.fast) {
    int32_t all[kChannels];  // in local memory, so that one small loop does
    SRAMSIM_UNROLL
    for (int k = 0; k < kChannels; ++k) all[k] = acc[k];
    for (int k = 0; k < kChannels; ++k) store_sum(g, e, pixel, o + k, all[k], window);
    return;
  }
  float s[kChannels];  // all before the first is used: their latencies overlap
  if (e.plain) {
    SRAMSIM_UNROLL
    for (int k = 0; k < kChannels; ++k) s[k] = static_cast<float>(acc[k]);
  } else if (e.offset_weight == 0) {
    SRAMSIM_UNROLL
    for (int k = 0; k < kChannels; ++k) s[k] = static_cast<float>(sram_sum(acc[k], e.step, 0, 0));
  } else {
    SRAMSIM_UNROLL
    for (int k = 0; k < kChannels; ++k) s[k] = static_cast<float>(real_sum(e, acc[k], window));
  }
  SRAMSIM_UNROLL
  for (int k = 0; k < kChannels; k += 2) {
    if (o + k >= g.o) return;
    const FloatPair bias =
        e.bias != nullptr ? FloatPair{e.bias[o + k], e.bias[o + k + 1]} : FloatPair{0.0f, 0.0f};
    *reinterpret_cast<FloatPair*>(e.y + pixel.index * g.o + o + k) = {fast_output(e, bias.low, s[k]),
                                                                      fast_output(e, bias.high, s[k + 1])};
  }
}

}  // namespace sramsim::cuda
