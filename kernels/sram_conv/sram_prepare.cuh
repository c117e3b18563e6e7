// Packing of activations, one kernel: quantise (where real values come in), zero border, bit planes, channel
// sums.
//
//   q = code or activation_code(x)                       [N,H,W,C]
//   planes[n][y][x][bit][unit].bit(plane_place(c % 128)) = bit of q   padded image, y and x count from the
//   border channel_sums[n][y][x] = sum over c of q
// A block takes padded rows of images, a thread 32 channels of a pixel (a word of every plane) or, for the
// integer product, the 16 of a unit: reads and writes of neighbours join, and nothing but one row number is
// divided in 64 bits.
#pragma once

#include "kernels/core/quantise.h"
#include "kernels/sram_conv/sram_args_cuda.h"

namespace sramsim::cuda {

inline constexpr int kPrepareThreads = 128;

/// Four codes, the lowest channel in the lowest byte.
using FourCodes = uint32_t;

/// The channel range and code source of one pixel; border pixels read as zero.
struct PixelCodes {
  int64_t first = -1;  ///< index of channel 0, or -1 in the border
  float alpha = 1.0f, scale = 1.0f;

  SRAMSIM_DEVICE uint32_t code(const PrepareArgs& args, int channel) const {
    if (first < 0 || channel >= args.c) return 0;
    if (args.q != nullptr) return args.q[first + channel];
    return static_cast<uint32_t>(activation_code(args.x[first + channel], alpha, scale));
  }

  /// Codes of channels channel .. channel + 15. `whole`: every unit of codes lies in one 16-byte word.
  SRAMSIM_DEVICE Unit codes(const PrepareArgs& args, int channel, bool whole) const {
    Unit unit{};
    if (first < 0 || channel >= args.c) return unit;
    if (whole) return *reinterpret_cast<const Unit*>(args.q + first + channel);
    for (int c = 0; c < kChannelsPerCodeUnit; ++c) unit.word[c / 4] |= code(args, channel + c) << (c % 4 * 8);
    return unit;
  }
};

/// Calls work(pixel, k, codes) for k < per_pixel of every padded pixel, whose index counts over all images.
template <class Work>
SRAMSIM_DEVICE void for_padded_pixels(const PrepareArgs& args, int per_pixel, Work work) {
  const int width = args.w + 2 * args.padding, height = args.h + 2 * args.padding;
  PixelCodes codes;
  if (args.x != nullptr) {
    codes.alpha = *args.alpha;
    codes.scale = act_scale_of(codes.alpha, args.act_bits);
  }
  for (int64_t row = ptx::block_index(); row < int64_t{args.n} * height; row += ptx::grid_size()) {
    const int64_t n = row / height;
    const int y = static_cast<int>(row - n * height) - args.padding;
    for (int item = ptx::thread_index(); item < width * per_pixel; item += ptx::block_size()) {
      const int column = item / per_pixel, x = column - args.padding;
      const bool inside = x >= 0 && x < args.w && y >= 0 && y < args.h;
      codes.first = inside ? ((n * args.h + y) * args.w + x) * args.c : -1;
      work(row * width + column, item - column * per_pixel, codes);
    }
  }
}

SRAMSIM_DEVICE bool codes_come_in_units(const PrepareArgs& args) {
  return args.q != nullptr && args.c % kChannelsPerCodeUnit == 0 &&
         reinterpret_cast<uintptr_t>(args.q) % sizeof(Unit) == 0;
}

/// Bit `bit` of four codes as four neighbouring bits: the product moves each to its place, none meets
/// another.
SRAMSIM_DEVICE uint32_t gather_bits(FourCodes codes, int bit) {
  return (codes >> bit & 0x01010101u) * 0x10204080u >> 28;
}

SRAMSIM_DEVICE int32_t sum_of_codes(const PrepareArgs& args, const PixelCodes& codes, bool whole) {
  uint32_t sum = 0;
  for (int channel = 0; channel < args.c; channel += kChannelsPerCodeUnit) {
    const Unit unit = codes.codes(args, channel, whole);
    for (const FourCodes four : unit.word)
      sum += (four & 0xff) + (four >> 8 & 0xff) + (four >> 16 & 0xff) + (four >> 24);
  }
  return static_cast<int32_t>(sum);
}

SRAMSIM_DEVICE void sram_prepare_planes_body(const PrepareArgs& args) {
  const bool whole = codes_come_in_units(args);
  for_padded_pixels(args, 4 * args.units, [&](int64_t pixel, int k, const PixelCodes& codes) {
    const int channel = k * 32, unit = k / 4, word = k % 4;
    const Unit low = codes.codes(args, channel, whole), high = codes.codes(args, channel + 16, whole);
    auto* out = reinterpret_cast<uint32_t*>(args.planes + pixel * args.bits * args.units + unit) + word;
    for (int bit = 0; bit < args.bits; ++bit) {
      uint32_t plane = 0;
      if (bit < 8)  // the top bits of a DAC's digits may lie above every code
        for (int four = 0; four < 4; ++four)
          plane |= gather_bits(low.word[four], bit) << plane_place(4 * four) |
                   gather_bits(high.word[four], bit) << plane_place(16 + 4 * four);
      out[int64_t{bit} * args.units * 4] = plane;
    }
    if (args.channel_sums != nullptr && k == 0) args.channel_sums[pixel] = sum_of_codes(args, codes, whole);
  });
}

/// The integer product's operand: codes with a zero border and channels padded to whole units.
SRAMSIM_DEVICE void sram_prepare_codes_body(const PrepareArgs& args) {
  const bool whole = codes_come_in_units(args);
  for_padded_pixels(args, args.units, [&](int64_t pixel, int unit, const PixelCodes& codes) {
    args.planes[pixel * args.units + unit] = codes.codes(args, unit * kChannelsPerCodeUnit, whole);
  });
}

}  // namespace sramsim::cuda
