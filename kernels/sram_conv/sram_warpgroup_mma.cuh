// Warpgroup kernel (sm_90a): the direct loop of the halo kernel with products of four warps at once. On Hopper an
// mma.sync keeps its warp's scheduler from issuing anything else for four cycles; a wgmma runs beside the
// conversions of other warps. Weights come from shared memory by descriptor, activations from registers, where
// the row mask of a group costs two instructions for 64 output channels.
//
// block: (warps_m / 2) * (tile_o / 64) warpgroups, each of one 8x8 tile of output pixels by 64 output channels; a
// warp takes two rows of the tile. grid and shared memory: as the halo kernel's, but steps are noted as lit by
// tile, a word each: all warps of a warpgroup must go the same way.
#pragma once

#include "kernels/sram_conv/sram_halo_mma.cuh"

namespace sramsim::cuda {

inline constexpr int kWarpgroup = 4;            ///< warps
inline constexpr int kWarpgroupTileN = 64;      ///< output channels of a warpgroup
inline constexpr int kTilePixels = kTileSide * kTileSide;

using WarpgroupSums = Accumulators<FmaForm, kWarpgroupTileN / 8, 1>;

/// Window of output pixel `row` of the 8x8 tile that lies at `tile`.
SRAMSIM_DEVICE ptx::SharedAddress tile_window(const SramConvArgs& args, ptx::SharedAddress tile, int row) {
  return tile + static_cast<uint32_t>((row / kTileSide * args.halo_width + row % kTileSide) *
                                      args.geometry.stride) *
                    sizeof(Unit);
}

/// All warps: notes for each tile of the block, digit and step whether any activation bit is set.
///   lit[tile][digit][step]
SRAMSIM_DEVICE void note_lit_steps_of_tiles(const SramConvArgs& args, const HaloLayout& layout, int buffer) {
  const int items = layout.tiles * args.digits * args.step_count, warps = ptx::block_size() / ptx::kWarp;
  for (int item = ptx::warp_index(); item < items; item += warps) {
    const int s = item % args.step_count, digit = item / args.step_count % args.digits,
              t = item / args.step_count / args.digits;
    bool set = true;
    if (args.skip_zeros) {
      const uint32_t unit = ptx::shared_load(layout.steps + static_cast<uint32_t>(s) * sizeof(Step)) +
                            static_cast<uint32_t>(digit * args.digit_units);
      uint32_t bits = 0;
      for (int first = 0; first < kTilePixels; first += ptx::kWarp) {
        uint32_t a[4];
        ptx::load_matrix_x4(a, tile_window(args, layout.tile(buffer, t), first + ptx::lane_index()) +
                                   unit * sizeof(Unit));
        bits |= a[0] | a[1] | a[2] | a[3];
      }
      set = ptx::warp_any(bits != 0);
    }
    if (ptx::lane_index() == 0) ptx::shared_store(layout.lit + static_cast<uint32_t>(item) * 4, set ? 1u : 0u);
  }
}

/// A warp's view of its tile and of the weights.
struct WarpgroupOperands {
  ptx::SharedAddress a_row;  ///< window of output pixel lane % 16 of the warp's two rows
  ptx::SharedAddress b;      ///< the warpgroup's first output channel
  ptx::SharedAddress steps;

  SRAMSIM_DEVICE Unit step(int s) const {
    return ptx::shared_load_unit(steps + static_cast<uint32_t>(s) * sizeof(Step));
  }
  SRAMSIM_DEVICE uint32_t step_mask(int s, int slot) const {
    return ptx::shared_load(steps + static_cast<uint32_t>(s) * sizeof(Step) +
                            static_cast<uint32_t>(16 + 16 * slot + 4 * (ptx::lane_index() % 4)));
  }
  /// Operand A of two products, at two units of the window.
  SRAMSIM_DEVICE void load_a(uint32_t (&a)[2][2], uint32_t unit0, uint32_t unit1) const {
    uint32_t quad[4];
    ptx::load_matrix_x4(quad, a_row + (ptx::lane_index() < 16 ? unit0 : unit1) * sizeof(Unit));
    for (int k = 0; k < 4; ++k) a[k / 2][k % 2] = quad[k];
  }
  SRAMSIM_DEVICE ptx::SharedAddress b_at(uint32_t unit) const {
    return b + unit * static_cast<uint32_t>(sizeof(Unit));
  }
};

/// Waits for kCount products and adds their conversions.
template <int kCount>
SRAMSIM_DEVICE void add_conversions(const AdcForm& form, int32_t (&p)[kCount][8][4], WarpgroupSums& sums) {
  ptx::warpgroup_wait(p);
  SRAMSIM_UNROLL
  for (int n = 0; n < 8; ++n) SRAMSIM_UNROLL
  for (int u = 0; u < kCount; ++u) FmaForm::convert(form, p[u][n], sums.acc[0][n]);
  sums.bias += kCount * form.bias;
}

/// Direct loop over the lit steps of one pass; two products at a time, so that their additions share an
/// instruction.
template <int kGroups>
SRAMSIM_DEVICE void warpgroup_pass(const SramConvArgs& args, const WarpgroupOperands& operands, const Unit& pass,
                                   ptx::SharedAddress lit, WarpgroupSums& sums) {
  const uint32_t pass_a = pass.word[0], pass_w = pass.word[1];
  const int lane = ptx::lane_index();
  for (int first = 0; first < args.step_count; first += ptx::kWarp) {
    const bool mine =
        first + lane < args.step_count && ptx::shared_load(lit + static_cast<uint32_t>(first + lane) * 4) != 0;
    uint32_t todo = ptx::warp_ballot(mine);
    while (todo != 0) {
      int32_t p[2][8][4];
      uint32_t a[2][2];
      const int s = first + ptx::lowest_bit(todo);
      todo &= todo - 1;
      const Unit step = operands.step(s);
      const ptx::SharedAddress b = operands.b_at(pass_w + step.word[2]);
      if constexpr (kGroups == 2) {
        operands.load_a(a, pass_a + step.word[0], pass_a + step.word[0]);
        for (int group = 0; group < 2; ++group) {
          const uint32_t mask = operands.step_mask(s, group);
          a[group][0] &= mask;
          a[group][1] &= mask;
        }
        ptx::warpgroup_arrive();
        ptx::warpgroup_mma_and_n64(p[0], a[0], b);
        ptx::warpgroup_mma_and_n64(p[1], a[1], b);
        add_conversions(args.adc, p, sums);
      } else if (todo != 0) {
        const Unit other = operands.step(first + ptx::lowest_bit(todo));
        todo &= todo - 1;
        operands.load_a(a, pass_a + step.word[0], pass_a + other.word[0]);
        ptx::warpgroup_arrive();
        ptx::warpgroup_mma_and_n64(p[0], a[0], b);
        ptx::warpgroup_mma_and_n64(p[1], a[1], operands.b_at(pass_w + other.word[2]));
        add_conversions(args.adc, p, sums);
      } else {
        int32_t lone[1][8][4];
        operands.load_a(a, pass_a + step.word[0], pass_a + step.word[0]);
        ptx::warpgroup_arrive();
        ptx::warpgroup_mma_and_n64(lone[0], a[0], b);
        add_conversions(args.adc, lone, sums);
      }
    }
  }
}

template <int kGroups>
SRAMSIM_DEVICE void warpgroup_tile(const SramConvArgs& args, const HaloLayout& layout, int buffer, int first) {
  const int lane = ptx::lane_index(), warp = ptx::warp_index() % kWarpgroup;
  const int group = ptx::warp_index() / kWarpgroup, t = group % layout.tiles;
  const int first_row = 2 * warp, first_o = group / layout.tiles * kWarpgroupTileN;
  WarpgroupOperands operands;
  operands.a_row = tile_window(args, layout.tile(buffer, t), first_row * kTileSide + lane % 16);
  operands.b = layout.weights + static_cast<uint32_t>(first_o) * sizeof(Unit);
  operands.steps = layout.steps;
  WarpgroupSums sums;
  for (int k = 0; k < args.pass_count; ++k) {
    const Unit pass = ptx::shared_load_unit(layout.passes + static_cast<uint32_t>(k) * sizeof(Pass));
    const int digit = static_cast<int>(pass.word[0]) / args.digit_units;
    sums.begin_pass(static_cast<int32_t>(pass.word[2]));
    warpgroup_pass<kGroups>(
        args, operands, pass,
        layout.lit + static_cast<uint32_t>((t * args.digits + digit) * args.step_count) * 4, sums);
    sums.end_pass(static_cast<int32_t>(pass.word[3]));
  }
  const Geometry& g = args.geometry;
  const TilePlace place(g, first + t);
  store_tile(args, sums, ptx::block_index_y() * args.tile_o + first_o, [&](int row) {
    return output_pixel(g, place.n, place.oy + first_row + row / kTileSide, place.ox + row % kTileSide);
  });
}

template <int kGroups>
SRAMSIM_DEVICE void sram_warpgroup_body(const SramConvArgs& args) {
  const HaloLayout layout(args);
  const int tiles = tile_count(args.geometry), stride = ptx::grid_size() * layout.tiles;
  int first = ptx::block_index() * layout.tiles;
  copy_constants_async(args, layout);
  copy_tiles_async(args, layout, 0, first);
  for (int buffer = 0; first < tiles; first += stride, buffer ^= 1) {
    ptx::copy_async_wait();
    ptx::fence_for_warpgroup_mma();  // the weights, once
    ptx::block_sync();  // the tiles are there, and no warp reads the other buffer or the notes any more
    if (first + stride < tiles) copy_tiles_async(args, layout, buffer ^ 1, first + stride);
    note_lit_steps_of_tiles(args, layout, buffer);
    ptx::block_sync();
    warpgroup_tile<kGroups>(args, layout, buffer, first);
  }
}

}  // namespace sramsim::cuda
