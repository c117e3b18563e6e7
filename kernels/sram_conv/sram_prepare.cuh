// Packing of activations, one kernel: quantise (where real values come in), zero border, bit planes, channel
// sums.
//
//   q = code or activation_code(x)                       [N,H,W,C]
//   planes[n][y][x][bit][unit].bit(plane_place(c % 128)) = bit of q   padded image, y and x count from the
//   border channel_sums[n][y][x] = sum over c of q
// A block takes padded rows of images, a thread 32 channels of a pixel (a word of every plane) or, for the
// integer product, the 16 of a unit: reads and writes of neighbours join, and nothing is divided but before
// the first row.
#pragma once

#include "kernels/core/quantise.h"
#include "kernels/sram_conv/sram_args_cuda.h"

namespace sramsim::cuda {

inline constexpr int kPrepareThreads = 128;
/// Of a multiprocessor: as many as the registers of most allow, and as the threads of older ones do.
#if defined(__CUDA_ARCH__) && (__CUDA_ARCH__ < 800 || __CUDA_ARCH__ >= 1000)
inline constexpr int kPrepareBlocks = 8;
#else
inline constexpr int kPrepareBlocks = 10;
#endif

struct alignas(16) FourFloats {
  float value[4];
};

/// The channel range and code source of one pixel; border pixels read as zero.
struct PixelCodes {
  int64_t first = -1;  ///< index of channel 0, or -1 in the border
  float alpha = 1.0f, scale = 1.0f;

  SRAMSIM_DEVICE uint32_t code(const PrepareArgs& args, int channel) const {
    if (first < 0 || channel >= args.c) return 0;
    if (args.q != nullptr) return args.q[first + channel];
    return static_cast<uint32_t>(activation_code(args.x[first + channel], alpha, scale));
  }

  /// Codes of channels channel .. channel + 15. `whole`: args.c is so many units, and they begin at multiples
  /// of 16 bytes.
  SRAMSIM_DEVICE Unit codes(const PrepareArgs& args, int channel, bool whole) const {
    Unit unit{};
    if (first < 0 || channel >= args.c) return unit;
    if (whole && args.q != nullptr) return *reinterpret_cast<const Unit*>(args.q + first + channel);
    if (whole) {
      SRAMSIM_UNROLL
      for (int four = 0; four < 4; ++four) {
        const auto x = *reinterpret_cast<const FourFloats*>(args.x + first + channel + 4 * four);
        SRAMSIM_UNROLL
        for (int c = 0; c < 4; ++c)
          unit.word[four] |= static_cast<uint32_t>(activation_code(x.value[c], alpha, scale)) << (8 * c);
      }
      return unit;
    }
    for (int c = 0; c < kChannelsPerCodeUnit; ++c) unit.word[c / 4] |= code(args, channel + c) << (c % 4 * 8);
    return unit;
  }
};

/// Calls work(pixel, k, codes) for k < per_pixel of every padded pixel, whose index counts over all images.
template <class Work>
SRAMSIM_DEVICE void for_padded_pixels(const PrepareArgs& args, int per_pixel, Work work) {
  PixelCodes codes;
  if (args.x != nullptr) {
    codes.alpha = *args.alpha;
    codes.scale = act_scale_of(codes.alpha, args.act_bits);
  }
  const int width = args.w + 2 * args.padding, height = args.h + 2 * args.padding;
  const int side_by_side = per_pixel < ptx::block_size() ? per_pixel : ptx::block_size();
  const int columns = ptx::block_size() / side_by_side, first_column = ptx::thread_index() / side_by_side,
            first_k = ptx::thread_index() % side_by_side;
  const int step_n = ptx::grid_size() / height, step_y = ptx::grid_size() % height;
  int n = ptx::block_index() / height, padded_y = ptx::block_index() % height;
  while (n < args.n) {
    const int y = padded_y - args.padding;
    const int64_t out = (int64_t{n} * height + padded_y) * width, in = (int64_t{n} * args.h + y) * args.w;
    if (first_column < columns)
      for (int column = first_column; column < width; column += columns) {
        const int x = column - args.padding;
        const bool inside = x >= 0 && x < args.w && y >= 0 && y < args.h;
        codes.first = inside ? (in + x) * args.c : -1;
        for (int k = first_k; k < per_pixel; k += side_by_side) work(out + column, k, codes);
      }
    n += step_n;
    padded_y += step_y;
    if (padded_y >= height) {
      padded_y -= height;
      ++n;
    }
  }
}

SRAMSIM_DEVICE bool codes_come_in_units(const PrepareArgs& args) {
  const auto from =
      args.q != nullptr ? reinterpret_cast<uintptr_t>(args.q) : reinterpret_cast<uintptr_t>(args.x);
  return args.c % kChannelsPerCodeUnit == 0 && from % sizeof(Unit) == 0;
}

/// Four bits of each of 32 codes: nibble h of byte j of word i is of channel 16h + 4i + j. kNibble: the lower
/// or the upper four.
template <int kNibble>
SRAMSIM_DEVICE Unit nibbles(const Unit& low, const Unit& high) {
  constexpr uint32_t kLower = 0x0f0f0f0fu;
  Unit both;
  SRAMSIM_UNROLL
  for (int i = 0; i < 4; ++i)
    both.word[i] = kNibble == 0 ? (low.word[i] & kLower) | (high.word[i] & kLower) << 4
                                : (low.word[i] >> 4 & kLower) | (high.word[i] & ~kLower);
  return both;
}
/// One bit of all: plane_place().
SRAMSIM_DEVICE uint32_t plane_of(const Unit& nibbles, int bit) {
  uint32_t plane = 0;
  SRAMSIM_UNROLL
  for (int i = 0; i < 4; ++i) plane |= (nibbles.word[i] >> bit & 0x11111111u) << i;
  return plane;
}

SRAMSIM_DEVICE int32_t sum_of_codes(const PrepareArgs& args, const PixelCodes& codes, bool whole) {
  uint32_t sum = 0;
  for (int channel = 0; channel < args.c; channel += kChannelsPerCodeUnit) {
    const Unit unit = codes.codes(args, channel, whole);
    for (const uint32_t four : unit.word)
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
    const auto store = [&](int first, const Unit& four_bits) {
      SRAMSIM_UNROLL
      for (int bit = 0; bit < 4; ++bit)
        if (first + bit < args.bits) out[(first + bit) * args.units * 4] = plane_of(four_bits, bit);
    };
    store(0, nibbles<0>(low, high));
    if (args.bits > 4) store(4, nibbles<1>(low, high));
    for (int first = 8; first < args.bits; first += 4) store(first, {});  // of a DAC's top digit
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
