// Warpgroup kernels (sm_90a): partial sums by the tensor products of a warpgroup, which run beside the
// conversions of others instead of taking their turn with them. sram_warpgroup_products.cuh has the kinds,
// sram_warpgroup_tile.cuh what a warpgroup finds out about a tile, sram_warpgroup_work.cuh the loops.
//
// A block keeps the operands B of some slices of columns, column = (output channel, weight plane), for all
// row groups. Each of its warpgroups walks over its share of the 8x8 tiles of output pixels by itself: the
// bits under a tile arrive while the one before is finished (cp.async); digit by digit it lists the row
// groups that any set bit can meet. O tile by o tile it multiplies and converts them, the highest digit
// first. The conversions of a column are added up over all digits, and those of its channel's planes when the
// o tile is stored.
//
// Of every converter form that these kernels take, code(0) is 0: zero partial sums may be skipped.
//
// block: warps_m/2 warpgroups. grid: (blocks, o tiles / those of a block). shared memory: WarpgroupOffsets.
#pragma once

#include "kernels/sram_conv/sram_epilogue.cuh"
#include "kernels/sram_conv/sram_warpgroup_work.cuh"

namespace sramsim::cuda {

/// The shift-add of a thread's output channel number k of an o tile, row h. kChannels: of a slice; start:
/// Lanes::start().
template <class Product, int kPairs, int kChannels>
SRAMSIM_DEVICE int32_t weigh_planes(const SramConvArgs& args, const WarpgroupSums<Product>& sums,
                                    uint32_t bias, uint32_t start, int h, int k) {
  uint32_t sum = start;
  SRAMSIM_UNROLL
  for (int pair = 0; pair < kPairs; ++pair)
    sum += Product::Lanes::weighed(sums.acc[k / kChannels], bias, k % kChannels * kPairs + pair, h,
                                   args.plane_weight + 2 * pair);
  return static_cast<int32_t>(sum);
}

/// Weighs the planes of each output channel of an o tile, whose first slice is `slice` of all, and delivers
/// it. kPairs: column pairs of a channel's planes. A thread has two pixels, one below the other, and
/// kChannels channels of a slice that follow each other.
template <class Product, int kPairs>
SRAMSIM_DEVICE void store_warpgroup_tile(const SramConvArgs& args, const WarpgroupPlace& me,
                                         const TilePlace& place, int slice,
                                         const WarpgroupSums<Product>& sums) {
  constexpr int kChannels = Product::kColumns / 8 / kPairs, kCount = Product::kSlices * kChannels;
  const Geometry& g = args.geometry;
  const Epilogue& e = args.epilogue;
  const int row = ptx::lane_index() / 4, t = ptx::lane_index() % 4;
  const uint32_t bias = ptx::shared_load(me.bias()), start = Product::Lanes::start(bias, args.weights_sum);
  const auto total = [&](int h, int k) {
    return weigh_planes<Product, kPairs, kChannels>(args, sums, bias, start, h, k);
  };
  const Channels<kChannels, 4 * kChannels> channels{(4 * slice + t) * kChannels};
  const auto pixel_of = [&](int h) {
    return output_pixel(g, place.n, place.oy + 2 * me.warp() + h, place.ox + row);
  };
  if (e.plain) {
    store_plain_outputs<kCount>(g, e, pixel_of(0), pixel_of(1), channels, total);
    return;
  }
  SRAMSIM_UNROLL
  for (int h = 0; h < 2; ++h) {
    const OutputPixel pixel = pixel_of(h);
    if (!pixel.valid) continue;
    int32_t totals[kCount];
    SRAMSIM_UNROLL
    for (int k = 0; k < kCount; ++k) totals[k] = total(h, k);
    store_sums(g, e, pixel, channels, totals, window_sum(g, e, pixel));
  }
}

/// What a warpgroup computes: as many o tiles as any other, those of a tile and then those of the next.
struct WarpgroupShare {
  int tile, slice;  ///< the first
  int to_come;      ///< tiles that begin after it, of the last of which there may be nothing to compute
  int end_slice;    ///< of the last tile, not computed any more

  SRAMSIM_DEVICE WarpgroupShare(const SramConvArgs& args, int o_tile_slices) {
    const int groups = ptx::block_size() / ptx::kWarpgroup, o_tiles = args.slices / o_tile_slices;
    const int mine = ptx::block_index() * groups + ptx::thread_index() / ptx::kWarpgroup;
    const int64_t all = int64_t{tile_count(args.geometry)} * o_tiles,
                  shares = int64_t{groups} * ptx::grid_size();
    const int64_t first = all * mine / shares, end = all * (mine + 1) / shares;
    const auto uniform = [](int64_t v) { return static_cast<int>(ptx::uniform(static_cast<uint32_t>(v))); };
    tile = uniform(first / o_tiles);
    slice = uniform(first % o_tiles * o_tile_slices);
    to_come = uniform(end / o_tiles) - tile;
    end_slice = uniform(end % o_tiles * o_tile_slices);
  }
  SRAMSIM_DEVICE bool is_empty() const { return to_come == 0 && slice == end_slice; }
};

template <class Product, int kProducts, int kPairs>
SRAMSIM_DEVICE void sram_warpgroup_body(const SramConvArgs& args) {
  const WarpgroupPlace me(args);
  const uint32_t first_positions = meeting_positions(args, me.thread);
  const Geometry& g = args.geometry;
  const int first_slice = ptx::block_index_y() * args.slices;
  WarpgroupShare share(args, Product::kSlices);
  copy_units_async(ptx::shared_base(), args.weights + int64_t{first_slice} * args.slice_units,
                   args.slices * args.slice_units);
  copy_units_async(ptx::shared_base() + args.offsets.products, args.products,
                   args.row_groups * args.group_products);
  copy_units_async(ptx::shared_base() + args.offsets.pieces, args.pieces, args.piece_count);
  TilePlace place(g, share.tile);
  copy_bits_async(args, me, place);
  clear_lists(args, me);
  ptx::copy_async_wait();
  ptx::fence_for_warpgroup_mma();
  ptx::block_sync();
  uint32_t complete = 0;
  while (!share.is_empty()) {
    const int end_slice = share.to_come > 0 ? args.slices : share.end_slice;
    // Until the first product a thread reads only bits that it has copied itself.
    note_lit(args, me, first_positions);
    ptx::warpgroup_sync();  // the notes are there, nobody needs the lists of the tile before
    const bool changed = list_tile<Product>(args, me, complete);
    const bool collects = !Product::kSpreads && args.piece_count > 0;
    if (collects) {
      collect_bits(args, me);
      ptx::fence_for_warpgroup_mma();
    }
    if (changed || collects) ptx::warpgroup_sync();
    if (collects) {
      copy_bits_async(args, me, place.next(g));
      ptx::warp_sync();  // products want whole warps, and not every thread had a pixel to copy
    }
    const int begin_slice = share.slice;
    for (int slice = begin_slice; slice < end_slice; slice += Product::kSlices) {
      const bool last = slice + Product::kSlices >= end_slice;
      WarpgroupSums<Product> sums;
      WarpgroupWork<Product, kProducts> work(args, me, slice);
      for (int digit = args.digits - 1;; --digit) {
        if constexpr (Product::kSpreads) {
          if (slice > begin_slice || digit + 1 < args.digits)
            ptx::warpgroup_sync();  // nobody needs the bytes before
          spread_digit(args, me, digit);
          ptx::fence_for_warpgroup_mma();
          ptx::warpgroup_sync();
          if (digit == 0 && last) {
            copy_bits_async(args, me, place.next(g));
            ptx::warp_sync();  // products want whole warps, and not every thread had a pixel to copy
          }
        }
        work.multiply_digit(digit, sums);
        if (digit == 0) break;
        sums.next_digit();
      }
      work.finish(sums);
      if (!Product::kSpreads && last && !collects) {
        ptx::warpgroup_sync();  // nobody multiplies bits any more
        copy_bits_async(args, me, place.next(g));
      }
      store_warpgroup_tile<Product, kPairs>(args, me, place, first_slice + slice, sums);
    }
    ptx::copy_async_wait();
    ptx::fence_for_warpgroup_mma();
    if (share.to_come == 0) break;
    --share.to_come;
    share.slice = 0;
    place = place.next(g);
  }
}

}  // namespace sramsim::cuda
