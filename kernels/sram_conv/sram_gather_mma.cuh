// Gather kernel: the general implicit GEMM on tensor cores. Operands come straight from device memory through
// the L1 cache, every lane addressing the windows of its own pixels: any image, kernel, stride, channel
// count, linear layers (pixels are images there). Slower per mma than the halo kernel, but without any limit
// of shared memory.
//
// block: warps_m * warps_n * warps_k warps; warps along pixels take 32 consecutive output pixels each, warps
// along k share the steps of one tile (linear layers: few pixels, many rows) and add up in shared memory.
// grid: (pixel tiles, o tiles). shared memory: the ADC table, then the sums of the warps along k but the
// first.
#pragma once

#include "kernels/sram_conv/sram_products_mma.cuh"

namespace sramsim::cuda {

/// Lane g*4 + t reads word t of the units of rows g, g+8, g+16, g+24 and of output channels g, g+8, ...
struct GatherOperands {
  const uint32_t* a[2 * kRowTiles];
  const uint32_t* b;
  const Step* steps;
  ptx::SharedAddress table;

  SRAMSIM_DEVICE Unit step(int s) const { return *reinterpret_cast<const Unit*>(&steps[s]); }
  SRAMSIM_DEVICE uint32_t step_mask(int s, int slot) const {
    return steps[s].mask[slot][ptx::lane_index() % 4];
  }
  SRAMSIM_DEVICE uint32_t step_flags(int s) const { return steps[s].flags; }
  SRAMSIM_DEVICE void load_two_units_a(uint32_t (&words)[kRowTiles][4], const Unit& step,
                                       int32_t pass) const {
    SRAMSIM_UNROLL
    for (int u = 0; u < 2; ++u) {
      const int64_t offset = int64_t{pass + static_cast<int32_t>(step.word[u])} * 4;
      SRAMSIM_UNROLL
      for (int r = 0; r < 2 * kRowTiles; ++r) words[r / 2][2 * u + r % 2] = a[r][offset];
    }
  }
  template <int kN>
  SRAMSIM_DEVICE void load_two_units_b(uint32_t (&words)[kN][2], int32_t unit0, int32_t unit1,
                                       int32_t offset) const {
    SRAMSIM_UNROLL
    for (int u = 0; u < 2; ++u) {
      const int64_t unit = (u == 0 ? unit0 : unit1) + offset;
      SRAMSIM_UNROLL
      for (int n = 0; n < kN; ++n) words[n][u] = b[(unit + 8 * n) * 4];
    }
  }
};

/// This warp's share of the steps of a pass: from one row group's first step to another's.
struct StepRange {
  int first, last;

  template <class Operands>
  SRAMSIM_DEVICE StepRange(const SramConvArgs& args, const Operands& operands, int warp_k, bool whole_groups)
      : first(args.step_count * warp_k / args.warps_k), last(args.step_count * (warp_k + 1) / args.warps_k) {
    if (!whole_groups) return;
    while (first < args.step_count && (operands.step_flags(first) & kStepFirst) == 0) ++first;
    while (last < args.step_count && (operands.step_flags(last) & kStepFirst) == 0) ++last;
  }
};

/// Adds the sums of all warps of a tile to those of its first; all threads of the block.
template <class Form, int kN>
SRAMSIM_DEVICE void add_along_k(const SramConvArgs& args, ptx::SharedAddress shared, int warp_k, int tile,
                                Accumulators<Form, kN>& sums) {
  constexpr int kWords = kRowTiles * kN * 4;
  const auto tiles = static_cast<uint32_t>(args.warps_m * args.warps_n);
  const auto at = [&](int k) {
    return shared +
           4 * ((static_cast<uint32_t>(k - 1) * tiles + static_cast<uint32_t>(tile)) * kWords * ptx::kWarp +
                static_cast<uint32_t>(ptx::lane_index()));
  };
  if (warp_k > 0) {
    const ptx::SharedAddress to = at(warp_k);
    SRAMSIM_UNROLL
    for (int w = 0; w < kWords; ++w)
      ptx::shared_store(to + 4 * w * ptx::kWarp,
                        static_cast<uint32_t>(sums.sum(w / (4 * kN), w / 4 % kN, w % 4)));
  }
  ptx::block_sync();
  if (warp_k > 0) return;
  for (int k = 1; k < args.warps_k; ++k) {
    const ptx::SharedAddress from = at(k);
    SRAMSIM_UNROLL
    for (int w = 0; w < kWords; ++w)
      sums.acc[w / (4 * kN)][w / 4 % kN][w % 4] += ptx::shared_load(from + 4 * w * ptx::kWarp);
  }
}

template <class Form, int kN>
SRAMSIM_DEVICE void sram_gather_body(const SramConvArgs& args) {
  static_assert(!Accumulators<Form, kN>::kPacked);
  const Geometry& g = args.geometry;
  const ptx::SharedAddress table = ptx::shared_base();
  for (int k = ptx::thread_index(); k < args.adc.table_size; k += ptx::block_size())
    ptx::shared_store(table + static_cast<uint32_t>(k) * 4, args.adc.table[k]);
  ptx::block_sync();

  const int lane = ptx::lane_index();
  const int warp_m = ptx::warp_index() % args.warps_m,
            warp_n = ptx::warp_index() / args.warps_m % args.warps_n,
            warp_k = ptx::warp_index() / (args.warps_m * args.warps_n);
  const int64_t pixels = int64_t{g.n} * g.oh * g.ow;
  const int64_t first = (int64_t{ptx::block_index()} * args.warps_m + warp_m) * kWarpPixels;
  GatherOperands operands;
  for (int r = 0; r < 2 * kRowTiles; ++r) {
    const int64_t index = first + 8 * r + lane / 4;
    const OutputPixel pixel = output_pixel(g, index < pixels ? index : pixels - 1);
    operands.a[r] = args.planes[pixel.first * g.pixel_units].word + lane % 4;
  }
  const int first_o = warp_n * 8 * kN;
  operands.b =
      args.weights[int64_t{ptx::block_index_y()} * args.slice_units + first_o + lane / 4].word + lane % 4;
  operands.steps = args.steps;
  operands.table = table;

  const StepRange steps(args, operands, warp_k, Form::kKind != AdcKind::kNone);
  Accumulators<Form, kN> sums;
  for (int k = 0; k < args.pass_count && first < pixels; ++k) {
    const Unit pass = *reinterpret_cast<const Unit*>(&args.passes[k]);
    sums.begin_pass(static_cast<int32_t>(pass.word[2]));
    if constexpr (Form::kKind == AdcKind::kNone)
      integer_pass(operands, steps.first, steps.last, sums);
    else
      chained_pass(args, operands, pass, steps.first, steps.last, sums);
    sums.end_pass(static_cast<int32_t>(pass.word[3]));
  }
  if (args.warps_k > 1)
    add_along_k(args, table + static_cast<uint32_t>(args.adc.table_size) * 4, warp_k,
                warp_n * args.warps_m + warp_m, sums);
  if (warp_k > 0) return;
  store_tile(args, sums, ptx::block_index_y() * args.tile_o + first_o,
             [&](int row) { return first + row < pixels ? output_pixel(g, first + row) : OutputPixel{}; });
}

}  // namespace sramsim::cuda
