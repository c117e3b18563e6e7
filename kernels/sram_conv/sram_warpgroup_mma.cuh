// Warpgroup kernels (sm_90a): partial sums by the tensor products of a warpgroup, which run beside the
// conversions of others instead of taking their turn with them. sram_warpgroup_products.cuh has the two
// kinds.
//
// A block keeps the operands B of some slices of 64 columns, column = (output channel, weight plane), for all
// row groups. Each of its warpgroups walks over 8x8 tiles of output pixels by itself: the bits under a tile
// arrive while the one before is finished (cp.async); digit by digit it lists the row groups that any set bit
// can meet. O tile by o tile it multiplies and converts them, two at a time, the highest digit first. The
// conversions of a column are added up over all digits, and those of its channel's planes when the o tile is
// stored.
//
// block: warps_m/2 warpgroups. grid: (blocks, o tiles / those of a block). shared memory: WarpgroupOffsets.
#pragma once

#include "kernels/sram_conv/sram_epilogue.cuh"
#include "kernels/sram_conv/sram_warpgroup_products.cuh"
#include "kernels/sram_conv/sram_warpgroup_tile.cuh"

namespace sramsim::cuda {

/// Sums of an o tile's conversions, still with the bias of their form.
template <class Product>
struct WarpgroupSums {
  uint32_t acc[Product::kSlices][Product::Lanes::kWords];

  SRAMSIM_DEVICE WarpgroupSums() {
    for (auto& slice : acc)
      for (uint32_t& word : slice) word = 0;
  }
  SRAMSIM_DEVICE void next_digit() {
    SRAMSIM_UNROLL
    for (auto& slice : acc) SRAMSIM_UNROLL
    for (uint32_t& word : slice) word *= 2;
  }
};

/// Starts the products of kGroups listed row groups with one slice, whose operands B lie `column` units after
/// those of the list. kProducts: of a row group, 0: args.group_products.
template <class Product, int kProducts, int kGroups>
SRAMSIM_DEVICE void start_groups(const SramConvArgs& args, ptx::SharedAddress list, uint32_t column,
                                 uint32_t (&p)[kGroups][Product::kWords]) {
  const auto multiply = [&](auto add, int group, int k) {
    const Unit operands = ptx::shared_load_unit(list + static_cast<uint32_t>(k) * sizeof(Unit));
    Product::template multiply<decltype(add)::value>(p[group], {operands.word[0], operands.word[1]},
                                                     {operands.word[2] + column, operands.word[3]});
  };
  SRAMSIM_UNROLL
  for (int group = 0; group < kGroups; ++group) {
    const int first = group * (kProducts > 0 ? kProducts : args.group_products);
    if (group == 0 || kProducts == 0) ptx::warpgroup_arrive();
    multiply(std::false_type(), group, first);
    if constexpr (kProducts > 0) {
      SRAMSIM_UNROLL
      for (int k = 1; k < kProducts; ++k) multiply(std::true_type(), group, first + k);
    } else {
      SRAMSIM_NO_UNROLL
      for (int k = 1; k < args.group_products; ++k) {
        ptx::warpgroup_arrive();
        multiply(std::true_type(), group, first + k);
      }
    }
  }
  ptx::warpgroup_commit();
}

/// Multiplies kGroups listed row groups with the slices of an o tile and adds their conversions, the
/// additions of two groups in one instruction; the second slice's products run while the first ones are
/// converted.
template <class Product, int kProducts, int kGroups>
SRAMSIM_DEVICE void multiply_groups(const SramConvArgs& args, ptx::SharedAddress list, uint32_t column,
                                    WarpgroupSums<Product>& sums) {
  constexpr int kLast = Product::kSlices - 1;
  uint32_t p[Product::kSlices][kGroups][Product::kWords];
  SRAMSIM_UNROLL
  for (int s = 0; s <= kLast; ++s)
    start_groups<Product, kProducts>(args, list, column + static_cast<uint32_t>(s * args.slice_units), p[s]);
  if constexpr (kLast == 1) {
    ptx::warpgroup_wait<1>(p[0]);
    Product::add_converted(args.adc, p[0], sums.acc[0]);
  }
  ptx::warpgroup_wait<0>(p[kLast]);
  Product::add_converted(args.adc, p[kLast], sums.acc[kLast]);
}

/// All listed row groups of one digit.
template <class Product, int kProducts>
SRAMSIM_DEVICE void multiply_digit(const SramConvArgs& args, const WarpgroupPlace& me, int digit, int slice,
                                   WarpgroupSums<Product>& sums) {
  const uint32_t column = static_cast<uint32_t>(slice * args.slice_units);
  ptx::SharedAddress list = me.list(digit);
  auto count = static_cast<int>(ptx::shared_load(me.count(digit)));
  SRAMSIM_NO_UNROLL
  for (; count >= 2; count -= 2) {
    multiply_groups<Product, kProducts, 2>(args, list, column, sums);
    list += static_cast<uint32_t>(2 * (kProducts > 0 ? kProducts : args.group_products)) * sizeof(Unit);
  }
  if (count > 0) multiply_groups<Product, kProducts, 1>(args, list, column, sums);
}

/// Weighs the planes of each output channel of an o tile, whose first slice is `slice` of all, and delivers
/// it. kPairs: column pairs of a channel's planes. A thread has 8 / kPairs channels that follow each other.
template <class Product, int kPairs>
SRAMSIM_DEVICE void store_warpgroup_tile(const SramConvArgs& args, const WarpgroupPlace& me,
                                         const TilePlace& place, int slice,
                                         const WarpgroupSums<Product>& sums) {
  constexpr int kChannels = 8 / kPairs;
  const Geometry& g = args.geometry;
  const Epilogue& e = args.epilogue;
  const int row = ptx::lane_index() / 4, t = ptx::lane_index() % 4;
  const uint32_t bias = ptx::shared_load(me.bias());
  SRAMSIM_UNROLL
  for (int h = 0; h < 2; ++h) {
    const int oh = place.oy + 2 * me.warp() + h, ow = place.ox + row;
    const OutputPixel pixel = output_pixel(g, place.n, oh, ow);
    if (!pixel.valid) continue;
    const int32_t window = window_sum(g, e, place.n, oh, ow);
    SRAMSIM_UNROLL
    for (int s = 0; s < Product::kSlices; ++s) {
      int32_t total[kChannels];
      SRAMSIM_UNROLL
      for (int m = 0; m < kChannels; ++m) {
        total[m] = 0;
        SRAMSIM_UNROLL
        for (int pair = 0; pair < kPairs; ++pair)
          total[m] +=
              Product::Lanes::weighed(sums.acc[s], bias, m * kPairs + pair, h, args.plane_weight + 2 * pair);
      }
      store_sums(g, e, pixel, (4 * (slice + s) + t) * kChannels, total, window);
    }
  }
}

template <class Product, int kProducts, int kPairs>
SRAMSIM_DEVICE void sram_warpgroup_body(const SramConvArgs& args) {
  const WarpgroupPlace me(args);
  const Geometry& g = args.geometry;
  const int groups = ptx::block_size() / ptx::kWarpgroup;
  const int first_slice = ptx::block_index_y() * args.slices;
  int tile = ptx::block_index() * groups + ptx::thread_index() / ptx::kWarpgroup;
  copy_units_async(ptx::shared_base(), args.weights + int64_t{first_slice} * args.slice_units,
                   args.slices * args.slice_units);
  copy_units_async(ptx::shared_base() + args.offsets.products, args.products,
                   args.row_groups * args.group_products);
  copy_bits_async(args, me, TilePlace(g, tile));
  ptx::copy_async_wait();
  ptx::fence_for_warpgroup_mma();
  ptx::block_sync();
  uint32_t complete = 0;
  for (TilePlace place(g, tile); place.n < g.n; place = TilePlace(g, tile)) {
    tile += ptx::grid_size() * groups;
    // Until the first product a thread reads only bits that it has copied itself.
    if (args.skip_zeros) note_lit(args, me);
    ptx::warpgroup_sync();  // the notes are there, nobody needs the lists of the tile before
    if (list_tile(args, me, Product::kSpreads, complete) && !Product::kSpreads) ptx::warpgroup_sync();
    for (int slice = 0; slice < args.slices; slice += Product::kSlices) {
      const bool last = slice + Product::kSlices >= args.slices;
      WarpgroupSums<Product> sums;
      for (int digit = args.digits - 1; digit >= 0; --digit) {
        sums.next_digit();
        if constexpr (Product::kSpreads) {
          if (slice > 0 || digit + 1 < args.digits) ptx::warpgroup_sync();  // nobody needs the bytes before
          spread_digit(args, me, digit);
          ptx::fence_for_warpgroup_mma();
          ptx::warpgroup_sync();
          if (digit == 0 && last) {
            copy_bits_async(args, me, TilePlace(g, tile));
            ptx::warp_sync();  // products want whole warps, and not every thread had a pixel to copy
          }
        }
        multiply_digit<Product, kProducts>(args, me, digit, slice, sums);
      }
      if (!Product::kSpreads && last) {
        ptx::warpgroup_sync();  // nobody multiplies bits any more
        copy_bits_async(args, me, TilePlace(g, tile));
      }
      store_warpgroup_tile<Product, kPairs>(args, me, place, first_slice + slice, sums);
    }
    ptx::copy_async_wait();
    ptx::fence_for_warpgroup_mma();
  }
}

}  // namespace sramsim::cuda
