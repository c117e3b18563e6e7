// Float8 kernel (sm_90a): partial sums by the 8-bit float product of a warpgroup, which delivers them as
// halves, ready for the conversion in packed halves, and runs beside it.
//
// Operand A is 2^-9 (byte 1) where an activation bit is set, operand B 2^-5 where a weight bit is, so that a
// partial sum P arrives as P * 2^-14: exact up to 2048. A block keeps the weight bytes of 64 columns, column
// = (output channel, weight plane), for all row groups. Each of its warpgroups walks over 8x8 tiles of output
// pixels by itself: digit by digit, the highest first, it spreads the bits of the input pixels under the tile
// to bytes and multiplies group by group, two groups at a time. Sums of columns stay packed in 16-bit lanes
// for all digits.
//
// block: warps_m/2 warpgroups. grid: (blocks, o tiles). shared memory: weights | products | tile of each
// warpgroup [k16][pixel], 16 bytes each | lit positions of each warpgroup [32 channels][warp].
//
// Channels within 32: byte 4k + m of a row of A or B is channel k + 8m, which is what spreading by shifts
// gives.
#pragma once

#include "kernels/sram_conv/sram_adc_cuda.h"
#include "kernels/sram_conv/sram_epilogue.cuh"
#include "kernels/sram_conv/sram_place.cuh"

namespace sramsim::cuda {

struct Float8Layout {
  int halo_pixels, blocks_of_32;  ///< input pixels under a tile; of channels
  uint32_t tile_bytes, lit_bytes;
  ptx::SharedAddress weights, products, tile, lit;  ///< the last two: of this thread's warpgroup

  SRAMSIM_DEVICE explicit Float8Layout(const SramConvArgs& args)
      : halo_pixels(args.halo_height * args.halo_width), blocks_of_32(4 * args.digit_units) {
    constexpr uint32_t kUnit = sizeof(Unit);
    const auto group = static_cast<uint32_t>(ptx::thread_index() / ptx::kWarpgroup);
    const auto groups = static_cast<uint32_t>(ptx::block_size() / ptx::kWarpgroup);
    tile_bytes = 2u * static_cast<uint32_t>(blocks_of_32 * halo_pixels) * kUnit;
    lit_bytes = static_cast<uint32_t>(blocks_of_32) * kUnit;
    weights = ptx::shared_base();
    products = weights + static_cast<uint32_t>(args.slice_units) * kUnit;
    const ptx::SharedAddress tiles = products + static_cast<uint32_t>(args.step_count) * kUnit;
    tile = tiles + group * tile_bytes;
    lit = tiles + groups * tile_bytes + group * lit_bytes;
  }
};

/// Bits of one digit of a padded input pixel, 128 channels from `unit` on; zero outside the images.
SRAMSIM_DEVICE Unit halo_bits(const SramConvArgs& args, const TilePlace& place, int pixel, int digit,
                              int unit) {
  const Geometry& g = args.geometry;
  const int y = place.oy + pixel / args.halo_width, x = place.ox + pixel % args.halo_width;
  if (y >= g.height || x >= g.width) return {};
  return args.planes[((int64_t{place.n} * g.height + y) * g.width + x) * g.pixel_units +
                     digit * args.digit_units + unit];
}

/// Kernel positions ky*kw + kx at which some output pixel of the tile meets this input pixel, as bits.
SRAMSIM_DEVICE uint32_t meeting_positions(const SramConvArgs& args, int pixel) {
  const Geometry& g = args.geometry;
  const int y = pixel / args.halo_width, x = pixel % args.halo_width;
  const int first = x < kTileSide ? 0 : x - (kTileSide - 1), end = x + 1 < g.kw ? x + 1 : g.kw;
  const uint32_t row = ((1u << (end - first)) - 1u) << first;
  uint32_t positions = 0;
  for (int ky = y < kTileSide ? 0 : y - (kTileSide - 1); ky < g.kh && ky <= y; ++ky)
    positions |= row << (ky * g.kw);
  return positions;
}

SRAMSIM_DEVICE int warpgroup_thread() {
  return ptx::thread_index() % ptx::kWarpgroup;
}

/// The warpgroup spreads one digit of the tile to bytes, and notes where any bit is set. `fetched`: bits of
/// this thread's first pixel, which came while the digit before was computed.
///   lit[32 channels][warp].bit(position)
SRAMSIM_DEVICE void spread_digit(const SramConvArgs& args, const Float8Layout& layout, const TilePlace& place,
                                 int digit, const Unit& fetched) {
  const auto pixel_step =
      static_cast<uint32_t>(layout.halo_pixels) * sizeof(Unit);  // to the next 16 channels
  for (int unit = 0; unit < args.digit_units; ++unit) {
    uint32_t lit[4] = {};
    for (int pixel = warpgroup_thread(); pixel < layout.halo_pixels; pixel += ptx::kWarpgroup) {
      const Unit bits =
          unit == 0 && pixel < ptx::kWarpgroup ? fetched : halo_bits(args, place, pixel, digit, unit);
      const uint32_t positions = meeting_positions(args, pixel);
      ptx::SharedAddress to = layout.tile + static_cast<uint32_t>(8 * unit) * pixel_step +
                              static_cast<uint32_t>(pixel) * sizeof(Unit);
      SRAMSIM_UNROLL
      for (int half = 0; half < 8; ++half) {
        Unit bytes;
        SRAMSIM_UNROLL
        for (int k = 0; k < 4; ++k) bytes.word[k] = bits.word[half / 2] >> (half % 2 * 4 + k) & 0x01010101u;
        ptx::shared_store_unit(to, bytes);
        to += pixel_step;
      }
      SRAMSIM_UNROLL
      for (int w = 0; w < 4; ++w) lit[w] |= bits.word[w] != 0 ? positions : 0u;
    }
    SRAMSIM_UNROLL
    for (int w = 0; w < 4; ++w) {
      const uint32_t any = ptx::warp_or(lit[w]);
      if (ptx::lane_index() == 0)
        ptx::shared_store(layout.lit + static_cast<uint32_t>(4 * unit + w) * sizeof(Unit) +
                              static_cast<uint32_t>(ptx::warp_index() % 4) * 4,
                          any);
    }
  }
}

/// What the multiplying loop keeps.
struct Float8Sums {
  uint32_t acc[16];  ///< columns 8j + 2t (low lane) and 8j + 2t + 1 of row g + 8h of the warp in acc[2*j + h]
  uint32_t bias = 0;  ///< what the conversions have added too much

  SRAMSIM_DEVICE void next_digit() {
    bias *= 2;
    SRAMSIM_UNROLL
    for (uint32_t& word : acc) word *= 2;
  }
};

/// One row group: kBlocks products of 32 channels each. Word 0 and 1 of a product: where A and B lie, in
/// units.
template <int kBlocks>
SRAMSIM_DEVICE void start_group(const Float8Layout& layout, int group, ptx::MatrixDescriptor a,
                                ptx::MatrixDescriptor b, uint32_t (&p)[16]) {
  SRAMSIM_UNROLL
  for (int k = 0; k < kBlocks; ++k) {
    const Unit product =
        ptx::shared_load_unit(layout.products + static_cast<uint32_t>(group * kBlocks + k) * sizeof(Unit));
    if (k == 0)
      ptx::warpgroup_mma_e4m3_n64<false>(p, a + product.word[0], b + product.word[1]);
    else
      ptx::warpgroup_mma_e4m3_n64<true>(p, a + product.word[0], b + product.word[1]);
  }
}

/// Whether a set bit can meet a row group. Word 2 and 3 of a product: 32 channels and position.
template <int kBlocks>
SRAMSIM_DEVICE bool is_lit(const Float8Layout& layout, int group) {
  uint32_t lit = 0;
  for (int k = 0; k < kBlocks; ++k) {
    const Unit product =
        ptx::shared_load_unit(layout.products + static_cast<uint32_t>(group * kBlocks + k) * sizeof(Unit));
    const Unit notes = ptx::shared_load_unit(layout.lit + product.word[2] * sizeof(Unit));
    lit |= (notes.word[0] | notes.word[1] | notes.word[2] | notes.word[3]) >> product.word[3];
  }
  return (lit & 1) != 0;
}

SRAMSIM_DEVICE uint32_t converted(const AdcForm& form, uint32_t pair) {
  return ptx::fma_saturate_half2(pair, form.half_scale, form.half_offset);
}

/// All lit row groups of one digit, two at a time: their additions share an instruction.
template <int kBlocks>
SRAMSIM_DEVICE void multiply_digit(const SramConvArgs& args, const Float8Layout& layout, Float8Sums& sums) {
  const ptx::MatrixDescriptor a =
      ptx::matrix_descriptor(layout.tile, static_cast<uint32_t>(args.halo_width) * sizeof(Unit),
                             static_cast<uint32_t>(layout.halo_pixels) * sizeof(Unit));
  const ptx::MatrixDescriptor b =
      ptx::matrix_descriptor(layout.weights, 8 * sizeof(Unit), kFloat8Columns * sizeof(Unit));
  const int groups = args.step_count / kBlocks;
  for (int first = 0; first < groups; first += ptx::kWarp) {
    const int mine = first + ptx::lane_index();
    uint32_t todo = ptx::warp_ballot(mine < groups && (!args.skip_zeros || is_lit<kBlocks>(layout, mine)));
    while (todo != 0) {
      const int group = first + ptx::lowest_bit(todo);
      todo &= todo - 1;
      if (todo != 0) {
        const int other = first + ptx::lowest_bit(todo);
        todo &= todo - 1;
        uint32_t p[2][16];
        ptx::warpgroup_arrive();
        start_group<kBlocks>(layout, group, a, b, p[0]);
        start_group<kBlocks>(layout, other, a, b, p[1]);
        ptx::warpgroup_wait(p);
        SRAMSIM_UNROLL
        for (int r = 0; r < 16; ++r)
          sums.acc[r] += converted(args.adc, p[0][r]) + converted(args.adc, p[1][r]);
        sums.bias += 2 * args.adc.bias;
      } else {
        uint32_t p[1][16];
        ptx::warpgroup_arrive();
        start_group<kBlocks>(layout, group, a, b, p[0]);
        ptx::warpgroup_wait(p);
        SRAMSIM_UNROLL
        for (int r = 0; r < 16; ++r) sums.acc[r] += converted(args.adc, p[0][r]);
        sums.bias += args.adc.bias;
      }
    }
  }
}

/// Weighs the planes of each output channel and delivers it. kPairs: lane pairs of one channel's planes.
template <int kPairs>
SRAMSIM_DEVICE void store_float8_tile(const SramConvArgs& args, const TilePlace& place,
                                      const Float8Sums& sums) {
  const Geometry& g = args.geometry;
  const Epilogue& e = args.epilogue;
  const int warp = ptx::warp_index() % 4, row = ptx::lane_index() / 4, t = ptx::lane_index() % 4;
  SRAMSIM_UNROLL
  for (int h = 0; h < 2; ++h) {
    const OutputPixel pixel = output_pixel(g, place.n, place.oy + 2 * warp + h, place.ox + row);
    if (!pixel.valid) continue;
    const int32_t window = window_sum(g, e, pixel);
    SRAMSIM_UNROLL
    for (int m = 0; m < 8 / kPairs; ++m) {
      int32_t total = 0;
      SRAMSIM_UNROLL
      for (int pair = 0; pair < kPairs; ++pair) {
        const uint32_t lanes = sums.acc[2 * (m * kPairs + pair) + h] - sums.bias;
        total += args.plane_weight[2 * pair] * static_cast<int32_t>(lanes & 0xffffu) +
                 args.plane_weight[2 * pair + 1] * static_cast<int32_t>(lanes >> 16);
      }
      const int o = ptx::block_index_y() * args.tile_o + 4 * m + t;
      if (o >= g.o) continue;
      if (e.fast)
        e.y[pixel.index * g.o + o] = fast_output(e, e.bias != nullptr ? e.bias[o] : 0.0f, total, window);
      else
        store_sum(g, e, pixel, o, total, window);
    }
  }
}

template <int kBlocks, int kPairs>
SRAMSIM_DEVICE void float8_tile(const SramConvArgs& args, const Float8Layout& layout,
                                const TilePlace& place) {
  const int thread = warpgroup_thread();
  const auto fetch = [&](int digit) {
    return thread < layout.halo_pixels ? halo_bits(args, place, thread, digit, 0) : Unit{};
  };
  Float8Sums sums;
  for (uint32_t& word : sums.acc) word = 0;
  Unit fetched = fetch(args.digits - 1);
  for (int digit = args.digits - 1; digit >= 0; --digit) {
    sums.next_digit();
    ptx::warpgroup_sync();  // nobody multiplies the digit before any more
    spread_digit(args, layout, place, digit, fetched);
    ptx::fence_for_warpgroup_mma();
    ptx::warpgroup_sync();
    if (digit > 0) fetched = fetch(digit - 1);
    multiply_digit<kBlocks>(args, layout, sums);
  }
  store_float8_tile<kPairs>(args, place, sums);
}

template <int kBlocks, int kPairs>
SRAMSIM_DEVICE void sram_float8_body(const SramConvArgs& args) {
  const Float8Layout layout(args);
  copy_units_async(layout.weights, args.weights + int64_t{ptx::block_index_y()} * args.slice_units,
                   args.slice_units);
  copy_units_async(layout.products, args.products, args.step_count);
  ptx::copy_async_wait();
  ptx::fence_for_warpgroup_mma();
  ptx::block_sync();
  const int groups = ptx::block_size() / ptx::kWarpgroup, tiles = tile_count(args.geometry);
  for (int tile = ptx::block_index() * groups + ptx::thread_index() / ptx::kWarpgroup; tile < tiles;
       tile += ptx::grid_size() * groups)
    float8_tile<kBlocks, kPairs>(args, layout, TilePlace(args.geometry, tile));
}

}  // namespace sramsim::cuda
