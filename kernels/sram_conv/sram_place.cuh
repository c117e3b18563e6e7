// Tiles of 8x8 output pixels, and copies into shared memory: what the kernels on halo tiles have in common.
#pragma once

#include "kernels/sram_conv/sram_args_cuda.h"

namespace sramsim::cuda {

/// Which 8x8 tile of which image.
struct TilePlace {
  int n, oy, ox;  ///< image, first output row and column
  SRAMSIM_DEVICE TilePlace(const Geometry& g, int tile) {
    const int across = (g.ow + kTileSide - 1) / kTileSide, down = (g.oh + kTileSide - 1) / kTileSide;
    ox = tile % across * kTileSide;
    oy = tile / across % down * kTileSide;
    n = tile / across / down;
  }
  /// Of the next number.
  SRAMSIM_DEVICE TilePlace next(const Geometry& g) const {
    TilePlace place = *this;
    place.ox += kTileSide;
    if (place.ox >= g.ow) {
      place.ox = 0;
      place.oy += kTileSide;
    }
    if (place.oy >= g.oh) {
      place.oy = 0;
      ++place.n;
    }
    return place;
  }
};

SRAMSIM_DEVICE int tile_count(const Geometry& g) {
  return g.n * ((g.ow + kTileSide - 1) / kTileSide) * ((g.oh + kTileSide - 1) / kTileSide);
}

/// All threads: starts copying `count` units.
SRAMSIM_DEVICE void copy_units_async(ptx::SharedAddress to, const void* from, int count) {
  const auto* units = static_cast<const Unit*>(from);
  for (int k = ptx::thread_index(); k < count; k += ptx::block_size())
    ptx::copy_async_unit(to + static_cast<uint32_t>(k) * sizeof(Unit), units + k, true);
}

}  // namespace sramsim::cuda
