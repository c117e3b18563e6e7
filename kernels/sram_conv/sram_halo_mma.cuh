// Halo kernel: a persistent implicit GEMM for images. A block keeps all weight planes of its o tile in shared
// memory and walks over 8x8 tiles of output pixels; the input pixels under the next tiles arrive while the
// current ones are computed (cp.async, two buffers), so that a window's bits are read from device memory
// once, not KH*KW times.
//
// block: warps_m * warps_n warps; warps along pixels take 32 each, two to an 8x8 tile. grid: (blocks, o
// tiles). shared memory: weights | 2 buffers of warps_m/2 halo tiles [bit][unit][y][x] | steps | passes | ADC
// table | lit steps of each warp, in units. The layouts need no swizzle: 8 pixels of a row, and 8 output
// channels, are 128 contiguous bytes for ldmatrix.
#pragma once

#include "kernels/sram_conv/sram_place.cuh"
#include "kernels/sram_conv/sram_products_mma.cuh"

namespace sramsim::cuda {

/// Where a block keeps what, as shared-memory addresses; sizes in units.
struct HaloLayout {
  int halo_pixels, tile_units, tiles;  ///< of one 8x8 tile; tiles side by side in a block
  uint32_t lit_bytes;                  ///< of one warp
  ptx::SharedAddress weights, buffers, steps, passes, table, lit;

  SRAMSIM_DEVICE explicit HaloLayout(const SramConvArgs& args)
      : halo_pixels(args.halo_height * args.halo_width),
        tile_units(halo_pixels * args.geometry.pixel_units),
        tiles(args.warps_m / 2) {
    constexpr uint32_t kUnit = sizeof(Unit);
    weights = ptx::shared_base();
    buffers = weights + static_cast<uint32_t>(args.slice_units) * kUnit;
    steps = buffers + 2u * static_cast<uint32_t>(tiles * tile_units) * kUnit;
    passes = steps + static_cast<uint32_t>(args.step_count) * sizeof(Step);
    table = passes + static_cast<uint32_t>(args.pass_count) * sizeof(Pass);
    lit = table + static_cast<uint32_t>((args.adc.table_size + 3) / 4) * kUnit;
    lit_bytes = static_cast<uint32_t>(lit_words(args.step_count, args.digits)) * 4;
  }
  SRAMSIM_DEVICE ptx::SharedAddress tile(int buffer, int t) const {
    return buffers + static_cast<uint32_t>((buffer * tiles + t) * tile_units) * sizeof(Unit);
  }
};

SRAMSIM_DEVICE void copy_constants_async(const SramConvArgs& args, const HaloLayout& layout) {
  copy_units_async(layout.weights, args.weights + int64_t{ptx::block_index_y()} * args.slice_units,
                   args.slice_units);
  copy_units_async(layout.steps, args.steps, args.step_count * static_cast<int>(sizeof(Step) / sizeof(Unit)));
  copy_units_async(layout.passes, args.passes, args.pass_count);
  copy_units_async(layout.table, args.adc.table, (args.adc.table_size + 3) / 4);
}

/// All threads: starts copying the block's tiles first, first + 1, ...; what lies outside the images becomes
/// zero.
SRAMSIM_DEVICE void copy_tiles_async(const SramConvArgs& args, const HaloLayout& layout, int buffer,
                                     int first) {
  const Geometry& g = args.geometry;
  for (int t = 0; t < layout.tiles; ++t) {
    const TilePlace place(g, first + t);
    const int y0 = place.oy * g.stride, x0 = place.ox * g.stride;
    const ptx::SharedAddress base = layout.tile(buffer, t);
    for (int k = ptx::thread_index(); k < layout.tile_units; k += ptx::block_size()) {
      const int pixel = k / g.pixel_units, unit = k % g.pixel_units;
      const int y = y0 + pixel / args.halo_width, x = x0 + pixel % args.halo_width;
      const bool valid = place.n < g.n && y < g.height && x < g.width;
      const int64_t from =
          valid ? ((int64_t{place.n} * g.height + y) * g.width + x) * g.pixel_units + unit : int64_t{0};
      ptx::copy_async_unit(base + static_cast<uint32_t>(unit * layout.halo_pixels + pixel) * sizeof(Unit),
                           args.planes + from, valid);
    }
  }
}

/// A warp's view of its tile and of the weights: the operands of the pass loops.
struct HaloOperands {
  ptx::SharedAddress a_row;  ///< window of this lane's pixel: lane l addresses row l of the tile for ldmatrix
  ptx::SharedAddress b_row;  ///< output channel of this lane
  /// The same where a lane in two or four of ldmatrix fetches the second unit of a 256-deep mma.
  ptx::SharedAddress a_row_two, b_row_two;
  uint32_t a_tile_bytes;  ///< from one 16-row tile to the next
  ptx::SharedAddress steps, table;

  SRAMSIM_DEVICE Unit step(int s) const {
    return ptx::shared_load_unit(steps + static_cast<uint32_t>(s) * sizeof(Step));
  }
  SRAMSIM_DEVICE uint32_t step_mask(int s, int slot) const {
    return ptx::shared_load(steps + static_cast<uint32_t>(s) * sizeof(Step) +
                            static_cast<uint32_t>(16 + 16 * slot + 4 * (ptx::lane_index() % 4)));
  }
  SRAMSIM_DEVICE uint32_t step_flags(int s) const {
    return ptx::shared_load(steps + static_cast<uint32_t>(s) * sizeof(Step) + 48);
  }
  /// a[2*m + h]: word t of the unit of row g + 8*h of row tile m.
  SRAMSIM_DEVICE void load_a(uint32_t (&a)[4], int32_t offset) const {
    ptx::load_matrix_x4(a, a_row + static_cast<uint32_t>(offset) * sizeof(Unit));
  }
  /// b[n]: word t of the unit of output channel 8*n + g.
  template <int kN>
  SRAMSIM_DEVICE void load_b(uint32_t (&b)[kN], int32_t offset) const {
    static_assert(kN % 4 == 0);
    SRAMSIM_UNROLL
    for (int n = 0; n < kN; n += 4) {
      uint32_t quad[4];
      ptx::load_matrix_x4(quad, b_row + static_cast<uint32_t>(offset + 8 * n) * sizeof(Unit));
      for (int k = 0; k < 4; ++k) b[n + k] = quad[k];
    }
  }
  /// Fragments of 256-deep mma, in the order of their registers: a[m] of row tile m, b[n] of channels 8*n ...
  SRAMSIM_DEVICE void load_two_units_a(uint32_t (&a)[kRowTiles][4], const Unit& step, int32_t pass) const {
    const uint32_t unit = ptx::lane_index() < 16 ? step.word[0] : step.word[1];
    const ptx::SharedAddress row = a_row_two + (static_cast<uint32_t>(pass) + unit) * sizeof(Unit);
    SRAMSIM_UNROLL
    for (int m = 0; m < kRowTiles; ++m)
      ptx::load_matrix_x4(a[m], row + static_cast<uint32_t>(m) * a_tile_bytes);
  }
  template <int kN>
  SRAMSIM_DEVICE void load_two_units_b(uint32_t (&b)[kN][2], int32_t unit0, int32_t unit1,
                                       int32_t offset) const {
    static_assert(kN % 2 == 0);
    const int32_t unit = ptx::lane_index() / 8 % 2 == 0 ? unit0 : unit1;
    const ptx::SharedAddress row = b_row_two + static_cast<uint32_t>(unit + offset) * sizeof(Unit);
    SRAMSIM_UNROLL
    for (int n = 0; n < kN; n += 2) {
      uint32_t two[4];
      ptx::load_matrix_x4(two, row + static_cast<uint32_t>(8 * n) * sizeof(Unit));
      for (int k = 0; k < 4; ++k) b[n + k / 2][k % 2] = two[k];
    }
  }
};

/// Bit i is set where a tile has any set bit in the planes of digit i: chained passes over dark planes are
/// skipped whole.
SRAMSIM_DEVICE uint32_t lit_digits(const SramConvArgs& args, ptx::SharedAddress tile) {
  if (!args.skip_zeros) return ~0u;
  uint32_t lit = 0;
  for (int digit = 0; digit < args.digits; ++digit) {
    uint32_t bits = 0;
    for (int k = ptx::lane_index(); k < args.digit_units; k += ptx::kWarp) {
      const Unit unit =
          ptx::shared_load_unit(tile + static_cast<uint32_t>(digit * args.digit_units + k) * sizeof(Unit));
      bits |= unit.word[0] | unit.word[1] | unit.word[2] | unit.word[3];
    }
    if (ptx::warp_any(bits != 0)) lit |= 1u << digit;
  }
  return lit;
}

/// Notes which steps of a pass have any activation bit set in this warp's windows, digit by digit: they are
/// the same for all weight planes, and a step that is known to be dark costs nothing.
///   lit[digit][step / 32].bit(step % 32)
SRAMSIM_DEVICE void note_lit_steps(const SramConvArgs& args, const HaloOperands& operands,
                                   ptx::SharedAddress lit) {
  for (int digit = 0; digit < args.digits; ++digit)
    for (int first = 0; first < args.step_count; first += kStepsPerWord) {
      uint32_t word = 0;
      for (int s = first; s < args.step_count && s < first + kStepsPerWord; ++s) {
        bool set = true;
        if (args.skip_zeros) {
          uint32_t a[4];
          operands.load_a(a, digit * args.digit_units + static_cast<int32_t>(operands.step(s).word[0]));
          set = ptx::warp_any((a[0] | a[1] | a[2] | a[3]) != 0);
        }
        word |= (set ? 1u : 0u) << (s - first);
      }
      if (ptx::lane_index() == 0) ptx::shared_store(lit, word);
      lit += 4;
    }
  ptx::warp_sync();
}

/// kGroups 1 or 2: direct loop with so many row groups per step; 0: chained loop, or the integer product.
template <class Form, int kN, int kGroups>
SRAMSIM_DEVICE void halo_tile(const SramConvArgs& args, const HaloLayout& layout, int buffer, int first) {
  const Geometry& g = args.geometry;
  const int lane = ptx::lane_index();
  const int warp_m = ptx::warp_index() % args.warps_m, warp_n = ptx::warp_index() / args.warps_m;
  const int first_row = warp_m % 2 * (kTileSide / 2);  // each warp takes four rows of its 8x8 tile
  const ptx::SharedAddress tile = layout.tile(buffer, warp_m / 2);
  const auto window = [&](int row) {  // of the warp's 32 output pixels
    return tile + static_cast<uint32_t>(((first_row + row / kTileSide) * args.halo_width + row % kTileSide) *
                                        g.stride) *
                      sizeof(Unit);
  };
  const auto channel = [&](int o) {  // of the warp's 8 * kN
    return layout.weights + static_cast<uint32_t>(warp_n * 8 * kN + o) * sizeof(Unit);
  };
  HaloOperands operands;
  operands.a_row = window(lane);
  operands.b_row = channel(lane);
  operands.a_row_two = window(lane % 16);
  operands.b_row_two = channel(lane / 16 * 8 + lane % 8);
  operands.a_tile_bytes = window(16) - window(0);
  operands.steps = layout.steps;
  operands.table = layout.table;

  constexpr bool kInteger = Form::kKind == AdcKind::kNone, kChained = kGroups == 0 && !kInteger;
  const ptx::SharedAddress lit = layout.lit + static_cast<uint32_t>(ptx::warp_index()) * layout.lit_bytes;
  const uint32_t lit_digit_bytes = layout.lit_bytes / static_cast<uint32_t>(args.digits);
  uint32_t lit_planes = 0;
  if constexpr (kChained)
    lit_planes = lit_digits(args, tile);
  else if constexpr (!kInteger)
    note_lit_steps(args, operands, lit);

  Accumulators<Form, kN> sums;
  for (int k = 0; k < args.pass_count; ++k) {
    const Unit pass = ptx::shared_load_unit(layout.passes + static_cast<uint32_t>(k) * sizeof(Pass));
    const uint32_t digit = pass.word[0] / static_cast<uint32_t>(args.digit_units);
    sums.begin_pass(static_cast<int32_t>(pass.word[2]));
    if constexpr (kInteger)
      integer_pass(operands, 0, args.step_count, sums);
    else if constexpr (!kChained)
      direct_pass<kGroups>(args, operands, pass, lit + digit * lit_digit_bytes, sums);
    else if ((lit_planes >> digit & 1) != 0)
      chained_pass(args, operands, pass, 0, args.step_count, sums);
    sums.end_pass(static_cast<int32_t>(pass.word[3]));
  }
  const TilePlace place(g, first + warp_m / 2);
  store_tile(args, sums, ptx::block_index_y() * args.tile_o + warp_n * 8 * kN, [&](int row) {
    return output_pixel(g, place.n, place.oy + first_row + row / kTileSide, place.ox + row % kTileSide);
  });
}

template <class Form, int kN, int kGroups>
SRAMSIM_DEVICE void sram_halo_body(const SramConvArgs& args) {
  const HaloLayout layout(args);
  const int tiles = tile_count(args.geometry), stride = ptx::grid_size() * layout.tiles;
  int first = ptx::block_index() * layout.tiles;
  copy_constants_async(args, layout);
  copy_tiles_async(args, layout, 0, first);
  for (int buffer = 0; first < tiles; first += stride, buffer ^= 1) {
    ptx::copy_async_wait();
    ptx::block_sync();  // the tiles are there, and no warp reads the other buffer any more
    if (first + stride < tiles) copy_tiles_async(args, layout, buffer ^ 1, first + stride);
    halo_tile<Form, kN, kGroups>(args, layout, buffer, first);
  }
}

}  // namespace sramsim::cuda
