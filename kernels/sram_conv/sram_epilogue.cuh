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

/// Sum of q over the window, for the offset encoding; 0 otherwise.
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

/// real_output() without a division or, for whole steps, without doubles; the same bits.
SRAMSIM_DEVICE float fast_output(const Epilogue& e, float bias, int32_t acc, int32_t window) {
  const float s = e.plain ? static_cast<float>(acc) : static_cast<float>(real_sum(e, acc, window));
  float y = divide(divide(s, e.act_scale, e.act_reciprocal), e.weight_scale, e.weight_reciprocal);
  y = y + bias;
  return e.relu && !(y > 0.0f) ? 0.0f : y;
}

struct alignas(8) FloatPair {
  float low, high;
};

}  // namespace sramsim::cuda
