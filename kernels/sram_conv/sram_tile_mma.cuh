// One warp's tile of the mma kernels: 32 output pixels by 8*kN output channels, its accumulators and its last
// step. Accumulator words live in the mma's C layout: rows g and g+8 of two 16-row tiles, columns 2t and
// 2t+1.
#pragma once

#include "kernels/sram_conv/sram_adc_cuda.h"
#include "kernels/sram_conv/sram_epilogue.cuh"

namespace sramsim::cuda {

/// What the digital side adds up, for every ADC form: words of 32 bits, or pairs of 16-bit lanes that are
/// emptied into totals before they can overflow. All arithmetic is modulo 2^32.
template <class Form, int kN>
struct Accumulators {
  static constexpr bool kPacked = Form::kWords == 2;
  uint32_t acc[kRowTiles][kN][Form::kWords];
  int32_t total[kRowTiles][kN][kPacked ? 4 : 1];
  uint32_t bias = Form::kStart;  ///< what every word holds too much; the same in all lanes

  SRAMSIM_DEVICE Accumulators() {
    for (int m = 0; m < kRowTiles; ++m)
      for (int n = 0; n < kN; ++n) {
        for (int k = 0; k < Form::kWords; ++k) acc[m][n][k] = Form::kStart;
        for (int k = 0; k < (kPacked ? 4 : 1); ++k) total[m][n][k] = 0;
      }
  }

  SRAMSIM_DEVICE void begin_pass(int32_t scale) {
    if (scale == 1) return;
    bias = Form::times(bias, scale);
    SRAMSIM_UNROLL
    for (int m = 0; m < kRowTiles; ++m) SRAMSIM_UNROLL
    for (int n = 0; n < kN; ++n) SRAMSIM_UNROLL
    for (int k = 0; k < Form::kWords; ++k) acc[m][n][k] = Form::times(acc[m][n][k], scale);
  }

  /// Packed lanes hold |sum| <= 32767: the low lane's sign is borrowed from the high lane and given back
  /// here.
  SRAMSIM_DEVICE void end_pass(int32_t flush) {
    if (flush == 0) return;
    SRAMSIM_UNROLL
    for (int m = 0; m < kRowTiles; ++m) SRAMSIM_UNROLL
    for (int n = 0; n < kN; ++n) SRAMSIM_UNROLL
    for (int k = 0; k < Form::kWords; ++k) {
      const uint32_t sum = acc[m][n][k] - bias;
      if constexpr (kPacked) {
        const int32_t low = static_cast<int16_t>(sum & 0xffffu);
        const int32_t high = static_cast<int32_t>(sum - static_cast<uint32_t>(low)) >> 16;
        total[m][n][2 * k] += flush * low;
        total[m][n][2 * k + 1] += flush * high;
        acc[m][n][k] = 0;
      } else {
        acc[m][n][k] = sum * static_cast<uint32_t>(flush);
      }
    }
    bias = 0;
  }

  /// The finished sum of register k of mma tile (m, n).
  SRAMSIM_DEVICE int32_t sum(int m, int n, int k) const {
    if constexpr (kPacked)
      return total[m][n][k];
    else
      return static_cast<int32_t>(acc[m][n][k]);
  }
};

/// Stores a warp's tile. pixel_of(row) gives the output pixel of row 0..31; first_o is the tile's first
/// output channel. Sums leave the registers by compile-time index on the common path, and through local
/// memory and one small loop on the others (raw S, odd O, extreme scales).
template <class Form, int kN, class PixelOf>
SRAMSIM_DEVICE void store_tile(const SramConvArgs& args, const Accumulators<Form, kN>& sums, int first_o,
                               PixelOf pixel_of) {
  const Geometry& g = args.geometry;
  const Epilogue& e = args.epilogue;
  const int row = ptx::lane_index() / 4, column = first_o + ptx::lane_index() % 4 * 2;
  if (e.fast) {
    SRAMSIM_UNROLL
    for (int r = 0; r < 2 * kRowTiles; ++r) {
      const OutputPixel pixel = pixel_of(8 * r + row);
      if (!pixel.valid) continue;
      int32_t acc[2 * kN];
      SRAMSIM_UNROLL
      for (int k = 0; k < 2 * kN; ++k) acc[k] = sums.sum(r / 2, k / 2, 2 * (r % 2) + k % 2);
      store_fast_sums(g, e, pixel, Channels<2, 8>{column}, acc, window_sum(g, e, pixel));
    }
    return;
  }
  int32_t all[2 * kRowTiles * kN * 2];
  SRAMSIM_UNROLL
  for (int k = 0; k < 2 * kRowTiles * kN * 2; ++k)
    all[k] = sums.sum(k / (4 * kN), k / 2 % kN, k / (2 * kN) % 2 * 2 + k % 2);
  for (int r = 0; r < 2 * kRowTiles; ++r) {
    const OutputPixel pixel = pixel_of(8 * r + row);
    const int32_t window = window_sum(g, e, pixel);
    for (int k = 0; k < 2 * kN; ++k)
      store_sum(g, e, pixel, column + k / 2 * 8 + k % 2, all[2 * kN * r + k], window);
  }
}

}  // namespace sramsim::cuda
