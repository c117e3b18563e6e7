// Portable kernel: popcounts on ordinary lanes, for architectures without a binary tensor core (sm_75; sm_100
// and sm_120 emulate it) and for whatever the others refuse. The same steps and passes as the chained mma
// loop, one unit at a time.
//
// block: tile_o lanes along output channels, the rest along pixels; a thread computes kPortablePixels
// outputs. grid: (pixel tiles, o tiles). The ADC table is read through the cache, so it may have any length.
#pragma once

#include "kernels/sram_conv/sram_epilogue.cuh"

namespace sramsim::cuda {

SRAMSIM_DEVICE int32_t masked_popcount(const Unit& a, const Unit& b) {
  return ptx::popc(a.word[0] & b.word[0]) + ptx::popc(a.word[1] & b.word[1]) +
         ptx::popc(a.word[2] & b.word[2]) + ptx::popc(a.word[3] & b.word[3]);
}

SRAMSIM_DEVICE void sram_portable_body(const SramConvArgs& args) {
  const Geometry& g = args.geometry;
  const int rows = kPortableThreads / args.tile_o;  // threads along pixels
  const int lane_o = ptx::thread_index() % args.tile_o, row = ptx::thread_index() / args.tile_o;
  const int64_t pixels = int64_t{g.n} * g.oh * g.ow;
  const int64_t first = (int64_t{ptx::block_index()} * rows + row) * kPortablePixels;
  const Unit* weights = args.weights + int64_t{ptx::block_index_y()} * args.slice_units + lane_o;
  OutputPixel pixel[kPortablePixels];
  uint32_t acc[kPortablePixels] = {};
  for (int k = 0; k < kPortablePixels; ++k)
    if (first + k < pixels) pixel[k] = output_pixel(g, first + k);

  for (int i = 0; i < args.pass_count; ++i) {
    const Pass pass = args.passes[i];
    int32_t p[kPortablePixels] = {};
    for (int k = 0; k < kPortablePixels; ++k) acc[k] *= static_cast<uint32_t>(pass.scale);
    for (int s = 0; s < args.step_count; ++s) {
      const Step& step = args.steps[s];
      for (int k = 0; k < kPortablePixels; ++k)
        if ((step.flags & kStepFirst) != 0)
          p[k] = 0;
        else if ((step.flags & kStepDouble) != 0)
          p[k] *= 2;
      for (int u = 0; u < 2; ++u) {
        Unit b = weights[pass.w + step.w[u]];
        for (int word = 0; word < 4; ++word) b.word[word] &= step.mask[u][word];
        for (int k = 0; k < kPortablePixels; ++k)
          p[k] += masked_popcount(args.planes[pixel[k].first * g.pixel_units + pass.a + step.a[u]], b);
      }
      if ((step.flags & kStepLast) != 0)
        for (int k = 0; k < kPortablePixels; ++k) acc[k] += args.adc.table[p[k]];
    }
    if (pass.flush != 0)
      for (int k = 0; k < kPortablePixels; ++k) acc[k] *= static_cast<uint32_t>(pass.flush);
  }
  for (int k = 0; k < kPortablePixels; ++k)
    store_sum(g, args.epilogue, pixel[k], ptx::block_index_y() * args.tile_o + lane_o,
              static_cast<int32_t>(acc[k]), window_sum(g, args.epilogue, pixel[k]));
}

}  // namespace sramsim::cuda
