// Gather kernel: the general implicit GEMM on tensor cores. Operands come straight from device memory through
// the L1 cache, every lane addressing the windows of its own pixels: any image, kernel, stride, channel
// count, linear layers (pixels are images there). Slower per mma than the halo kernel, but without any limit
// of shared memory.
//
// block: warps_m * warps_n warps; warps along pixels take 32 consecutive output pixels each. grid: (pixel
// tiles, o tiles). shared memory: the ADC table.
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
  SRAMSIM_DEVICE void load_a(uint32_t (&words)[4], int32_t offset) const {
    for (int r = 0; r < 2 * kRowTiles; ++r) words[r] = a[r][int64_t{offset} * 4];
  }
  template <int kN>
  SRAMSIM_DEVICE void load_b(uint32_t (&words)[kN], int32_t offset) const {
    SRAMSIM_UNROLL
    for (int n = 0; n < kN; ++n) words[n] = b[(int64_t{offset} + 8 * n) * 4];
  }
};

template <class Product, class Form, int kN>
SRAMSIM_DEVICE void sram_gather_body(const SramConvArgs& args) {
  const Geometry& g = args.geometry;
  const ptx::SharedAddress table = ptx::shared_base();
  for (int k = ptx::thread_index(); k < args.adc.table_size; k += ptx::block_size())
    ptx::shared_store(table + static_cast<uint32_t>(k) * 4, args.adc.table[k]);
  ptx::block_sync();

  const int lane = ptx::lane_index();
  const int warp_m = ptx::warp_index() % args.warps_m, warp_n = ptx::warp_index() / args.warps_m;
  const int64_t pixels = int64_t{g.n} * g.oh * g.ow;
  const int64_t first = (int64_t{ptx::block_index()} * args.warps_m + warp_m) * kWarpPixels;
  if (first >= pixels) return;  // whole warps only, and no barrier follows
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

  Accumulators<Form, kN> sums;
  for (int k = 0; k < args.pass_count; ++k) {
    const Unit pass = *reinterpret_cast<const Unit*>(&args.passes[k]);
    sums.begin_pass(static_cast<int32_t>(pass.word[2]));
    chained_pass<Product>(args, operands, pass, sums);
    sums.end_pass(static_cast<int32_t>(pass.word[3]));
  }
  store_tile(args, sums, ptx::block_index_y() * args.tile_o + first_o,
             [&](int row) { return first + row < pixels ? output_pixel(g, first + row) : OutputPixel{}; });
}

}  // namespace sramsim::cuda
