// Packing of activations, one kernel: quantise (where real values come in), zero border, bit planes, channel
// sums.
//
//   q = code or activation_code(x)                       [N,H,W,C]
//   planes[n][y][x][bit][unit].bit(c % 128) = bit of q   padded image, y and x count from the border
//   channel_sums[n][y][x] = sum over c of q
// One warp packs one pixel: lane l reads channels l, l+32, l+64, l+96 of a unit, so that reads are contiguous
// and a ballot per (word, bit) is a plane word in natural channel order.
#pragma once

#include "kernels/core/quantise.h"
#include "kernels/sram_conv/sram_args_cuda.h"

namespace sramsim::cuda {

/// The channel range and code source of one pixel; border pixels read as zero.
struct PixelCodes {
  int64_t first = -1;  ///< index of channel 0, or -1 in the border
  float alpha = 1.0f, scale = 1.0f;

  SRAMSIM_DEVICE uint32_t code(const PrepareArgs& args, int channel) const {
    if (first < 0 || channel >= args.c) return 0;
    if (args.q != nullptr) return args.q[first + channel];
    return static_cast<uint32_t>(activation_code(args.x[first + channel], alpha, scale));
  }
};

SRAMSIM_DEVICE PixelCodes pixel_codes(const PrepareArgs& args, int64_t pixel) {
  const int width = args.w + 2 * args.padding, height = args.h + 2 * args.padding;
  const int x = static_cast<int>(pixel % width) - args.padding;
  const int64_t row = pixel / width;
  const int y = static_cast<int>(row % height) - args.padding;
  PixelCodes codes;
  if (x >= 0 && x < args.w && y >= 0 && y < args.h)
    codes.first = ((row / height * args.h + y) * args.w + x) * args.c;
  if (args.x != nullptr) {
    codes.alpha = *args.alpha;
    codes.scale = act_scale_of(codes.alpha, args.act_bits);
  }
  return codes;
}

/// grid: any, block: warps. Each warp takes padded pixels warp, warp + all warps, ...
SRAMSIM_DEVICE void sram_prepare_planes_body(const PrepareArgs& args) {
  const int lane = ptx::lane_index();
  const int warps = ptx::block_size() / ptx::kWarp;
  const int64_t pixels = int64_t{args.n} * (args.h + 2 * args.padding) * (args.w + 2 * args.padding);
  for (int64_t pixel = int64_t{ptx::block_index()} * warps + ptx::warp_index(); pixel < pixels;
       pixel += int64_t{ptx::grid_size()} * warps) {
    const PixelCodes codes = pixel_codes(args, pixel);
    auto* out = reinterpret_cast<uint32_t*>(args.planes + pixel * args.bits * args.units);
    uint32_t sum = 0;
    for (int unit = 0; unit < args.units; ++unit) {
      uint32_t q[4];
      for (int word = 0; word < 4; ++word)
        q[word] = codes.code(args, unit * kChannelsPerPlaneUnit + word * ptx::kWarp + lane);
      // Eight planes at a time: lane 4*b + w keeps word w of plane first + b, and all lanes store together.
      for (int first = 0; first < args.bits; first += 8) {
        const int count = args.bits - first < 8 ? args.bits - first : 8;
        uint32_t mine = 0;
        for (int b = 0; b < count; ++b)
          for (int word = 0; word < 4; ++word) {
            const uint32_t ballot = ptx::warp_ballot(((q[word] >> (first + b)) & 1) != 0);
            if (lane == 4 * b + word) mine = ballot;
            sum += static_cast<uint32_t>(ptx::popc(ballot)) << (first + b);
          }
        const int bit = first + lane / 4;
        if (bit < args.bits) out[(int64_t{bit} * args.units + unit) * 4 + lane % 4] = mine;
      }
    }
    if (args.channel_sums != nullptr && lane == 0) args.channel_sums[pixel] = static_cast<int32_t>(sum);
  }
}

/// The integer product's operand: codes with a zero border and channels padded to whole units. One thread per
/// unit.
SRAMSIM_DEVICE void sram_prepare_codes_body(const PrepareArgs& args) {
  const int64_t pixels = int64_t{args.n} * (args.h + 2 * args.padding) * (args.w + 2 * args.padding);
  const int64_t count = pixels * args.units;
  for (int64_t at = int64_t{ptx::block_index()} * ptx::block_size() + ptx::thread_index(); at < count;
       at += int64_t{ptx::grid_size()} * ptx::block_size()) {
    const PixelCodes codes = pixel_codes(args, at / args.units);
    const int channel = static_cast<int>(at % args.units) * kChannelsPerCodeUnit;
    Unit packed{};
    for (int c = 0; c < kChannelsPerCodeUnit; ++c)
      packed.word[c / 4] |= codes.code(args, channel + c) << (c % 4 * 8);
    args.planes[at] = packed;
  }
}

}  // namespace sramsim::cuda
