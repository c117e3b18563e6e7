// Warpgroup kernels (sm_90a): partial sums by the tensor products of a warpgroup, which run beside the
// conversions of others instead of taking their turn with them. sram_warpgroup_products.cuh has the
// kinds.
//
// A block keeps the operands B of some slices of columns, column = (output channel, weight plane), for all
// row groups. Each of its warpgroups walks over its share of the 8x8 tiles of output pixels by itself: the
// bits under a tile arrive while the one before is finished (cp.async); digit by digit it lists the row
// groups that any set bit can meet. O tile by o tile it multiplies and converts them, two of them or two
// slices at a time, the highest digit first. The conversions of a column are added up over all digits, and
// those of its channel's planes when the o tile is stored.
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
      for (uint32_t& word : slice) word = Product::Sums::kStart;
  }
  SRAMSIM_DEVICE void next_digit() {
    SRAMSIM_UNROLL
    for (auto& slice : acc) SRAMSIM_UNROLL
    for (uint32_t& word : slice) word = Product::Sums::times(word, 2);
  }
};

/// Where the operands of kCount products are, as entries of a list that follow each other say; operands B of
/// a slice begin `column` units after those of the list.
template <int kCount>
struct Places {
  uint32_t a[kCount], b[kCount];

  Places() = default;
  SRAMSIM_DEVICE Places(ptx::SharedAddress list, uint32_t column) {
    if constexpr (kCount % 2 == 0) {
      SRAMSIM_UNROLL
      for (int k = 0; k < kCount; k += 2) {
        const Unit two = ptx::shared_load_unit(list + static_cast<uint32_t>(k) * kListEntry);
        set(k, {two.word[0], two.word[1]}, column);
        set(k + 1, {two.word[2], two.word[3]}, column);
      }
    } else {
      SRAMSIM_UNROLL
      for (int k = 0; k < kCount; ++k)
        set(k, ptx::shared_load_pair(list + static_cast<uint32_t>(k) * kListEntry), column);
    }
  }

 private:
  SRAMSIM_DEVICE void set(int k, const ptx::WordPair& entry, uint32_t column) {
    a[k] = ptx::uniform(entry.low);
    b[k] = ptx::uniform(entry.high + column);
  }
};

/// Starts product k of a slice, `slice_units` after the first one's operands B.
template <class Product, bool kAdd, int kCount>
SRAMSIM_DEVICE void start_product(const SramConvArgs& args, const Places<kCount>& places, int k,
                                  uint32_t slice_units, uint32_t (&p)[Product::kWords]) {
  constexpr uint32_t kBRows = 8;  // from 8 columns to the next
  Product::template multiply<kAdd>(p, {places.a[k], static_cast<uint32_t>(args.a_rows)},
                                   {places.b[k] + slice_units, kBRows});
}

/// Multiplies kGroups row groups with the slices of an o tile and adds their conversions; the second slice's
/// products run while the first ones are converted, and beside both prefetch() fetches what comes next.
/// kProducts: of a row group, whose places are those from `first` on; 0: args.group_products, which the list
/// names.
template <class Product, int kProducts, int kGroups, int kPlaces, class Prefetch>
SRAMSIM_DEVICE void multiply_groups(const SramConvArgs& args, const Places<kPlaces>& places, int first,
                                    ptx::SharedAddress list, uint32_t column, WarpgroupSums<Product>& sums,
                                    Prefetch prefetch) {
  constexpr int kLast = Product::kSlices - 1;
  uint32_t p[Product::kSlices][kGroups][Product::kWords];
  const auto slice_units = [&](int s) { return static_cast<uint32_t>(s * args.slice_units); };
  if constexpr (kProducts > 0) {
    ptx::warpgroup_arrive();
    SRAMSIM_UNROLL
    for (int s = 0; s <= kLast; ++s) {
      SRAMSIM_UNROLL
      for (int group = 0; group < kGroups; ++group) {
        const int place = first + group * kProducts;
        start_product<Product, false>(args, places, place, slice_units(s), p[s][group]);
        SRAMSIM_UNROLL
        for (int k = 1; k < kProducts; ++k)
          start_product<Product, true>(args, places, place + k, slice_units(s), p[s][group]);
      }
      ptx::warpgroup_commit();
    }
  } else {
    SRAMSIM_UNROLL
    for (int s = 0; s <= kLast; ++s) {
      ptx::SharedAddress entry = list;
      SRAMSIM_UNROLL
      for (int group = 0; group < kGroups; ++group) {
        ptx::warpgroup_arrive();
        start_product<Product, false>(args, Places<1>(entry, column), 0, slice_units(s), p[s][group]);
        entry += kListEntry;
        SRAMSIM_NO_UNROLL
        for (int k = 1; k < args.group_products; ++k) {
          ptx::warpgroup_arrive();
          start_product<Product, true>(args, Places<1>(entry, column), 0, slice_units(s), p[s][group]);
          entry += kListEntry;
        }
      }
      ptx::warpgroup_commit();
    }
  }
  prefetch();
  if constexpr (kLast == 1) {
    ptx::warpgroup_wait<1>(p[0]);
    Product::add_converted(args.adc, p[0], sums.acc[0]);
  }
  ptx::warpgroup_wait<0>(p[kLast]);
  Product::add_converted(args.adc, p[kLast], sums.acc[kLast]);
}

/// The row groups of an o tile that are still to come in one digit, and where their operands are: fetched
/// ahead.
template <class Product, int kProducts>
class WarpgroupWork {
 public:
  /// Of the highest digit; `slice`: the o tile's first.
  SRAMSIM_DEVICE WarpgroupWork(const SramConvArgs& args, const WarpgroupPlace& me, int slice)
      : args_(args),
        me_(me),
        column_(ptx::uniform(static_cast<uint32_t>(slice * args.slice_units))),
        count_(static_cast<int>(ptx::uniform(ptx::shared_load(me.count(args.digits - 1))))) {
    if constexpr (kAhead) places_ = GroupPlaces(me.list(args.digits - 1), column_);
  }

  /// Multiplies and converts all listed row groups of a digit; then those of the next lower one are at hand.
  SRAMSIM_DEVICE void multiply_digit(int digit, WarpgroupSums<Product>& sums) {
    const int lower = digit > 0 ? digit - 1 : 0;
    const uint32_t next_count = ptx::shared_load(me_.count(lower));
    list_ = me_.list(digit);
    next_list_ = me_.list(lower);
    if (kAhead && count_ == 0) places_ = GroupPlaces(next_list_, column_);
    SRAMSIM_NO_UNROLL
    for (; count_ >= kGroups * kTurns; count_ -= kGroups * kTurns) multiply<kGroups, kTurns>(sums);
    if (kGroups * kTurns > 1 && count_ > 0) multiply<1, 1>(sums);
    count_ = static_cast<int>(ptx::uniform(next_count));
  }

 private:
  static constexpr int kEach = kProducts > 0 ? kProducts : 1;
  static constexpr bool kAhead = kProducts > 0 && Product::kFetchesAhead;
  static constexpr int kGroups = Product::kGroups, kTurns = kProducts == 1 ? Product::kTurns : 1;
  static_assert(kGroups * kTurns <= 2, "one group may be left over");
  using GroupPlaces = Places<kGroups * kTurns * kEach>;

  template <int kAtOnce, int kInTurn>
  SRAMSIM_DEVICE void multiply(WarpgroupSums<Product>& sums) {
    constexpr int kAll = kAtOnce * kInTurn;
    const uint32_t bytes =
        static_cast<uint32_t>(kAll * (kProducts > 0 ? kProducts : args_.group_products)) * kListEntry;
    if constexpr (kAhead) {
      const GroupPlaces places = places_;
      SRAMSIM_UNROLL
      for (int turn = 0; turn < kInTurn; ++turn)
        multiply_groups<Product, kProducts, kAtOnce>(args_, places, turn * kAtOnce * kEach, list_, column_,
                                                     sums, [&] {
                                                       if (turn + 1 < kInTurn) return;
                                                       list_ = count_ > kAll ? list_ + bytes : next_list_;
                                                       places_ = GroupPlaces(list_, column_);
                                                     });
    } else {
      static_assert(kInTurn == 1);
      multiply_groups<Product, kProducts, kAtOnce>(args_, Places<kAtOnce * kEach>(list_, column_), 0, list_,
                                                   column_, sums, [] {});
      list_ += bytes;
    }
  }

  const SramConvArgs& args_;
  const WarpgroupPlace& me_;
  uint32_t column_;  ///< where the o tile's operands B begin
  int count_;
  ptx::SharedAddress list_ = 0, next_list_ = 0;
  GroupPlaces places_;
};

/// Weighs the planes of each output channel of an o tile, whose first slice is `slice` of all, and delivers
/// it. kPairs: column pairs of a channel's planes. A thread has kChannels channels of a slice that follow
/// each other.
template <class Product, int kPairs>
SRAMSIM_DEVICE void store_warpgroup_tile(const SramConvArgs& args, const WarpgroupPlace& me,
                                         const TilePlace& place, int slice,
                                         const WarpgroupSums<Product>& sums) {
  constexpr int kChannels = 8 / kPairs;
  const Geometry& g = args.geometry;
  const Epilogue& e = args.epilogue;
  const int row = ptx::lane_index() / 4, t = ptx::lane_index() % 4;
  const uint32_t bias = ptx::shared_load(me.bias());
  const uint32_t start = Product::Lanes::start(bias, args.weights_sum);
  const Channels<kChannels, 4 * kChannels> channels{(4 * slice + t) * kChannels};
  SRAMSIM_UNROLL
  for (int h = 0; h < 2; ++h) {
    const int oh = place.oy + 2 * me.warp() + h, ow = place.ox + row;
    const OutputPixel pixel = output_pixel(g, place.n, oh, ow);
    if (!pixel.valid) continue;
    const int32_t window = window_sum(g, e, place.n, oh, ow);
    int32_t total[Product::kSlices * kChannels];
    SRAMSIM_UNROLL
    for (int k = 0; k < Product::kSlices * kChannels; ++k) {
      uint32_t sum = start;
      SRAMSIM_UNROLL
      for (int pair = 0; pair < kPairs; ++pair)
        sum += Product::Lanes::weighed(sums.acc[k / kChannels], bias, k % kChannels * kPairs + pair, h,
                                       args.plane_weight + 2 * pair);
      total[k] = static_cast<int32_t>(sum);
    }
    store_sums(g, e, pixel, channels, total, window);
  }
}

/// What a warpgroup computes: as many o tiles as any other, those of a tile and then those of the next.
struct WarpgroupShare {
  int tile, slice;          ///< next
  int end_tile, end_slice;  ///< not computed any more

  SRAMSIM_DEVICE WarpgroupShare(const SramConvArgs& args, int o_tile_slices) {
    const int groups = ptx::block_size() / ptx::kWarpgroup, o_tiles = args.slices / o_tile_slices;
    const int mine = ptx::block_index() * groups + ptx::thread_index() / ptx::kWarpgroup;
    const int64_t all = int64_t{tile_count(args.geometry)} * o_tiles,
                  shares = int64_t{groups} * ptx::grid_size();
    const int64_t first = all * mine / shares, end = all * (mine + 1) / shares;
    const auto uniform = [](int64_t v) { return static_cast<int>(ptx::uniform(static_cast<uint32_t>(v))); };
    tile = uniform(first / o_tiles);
    slice = uniform(first % o_tiles * o_tile_slices);
    end_tile = uniform(end / o_tiles);
    end_slice = uniform(end % o_tiles * o_tile_slices);
  }
  SRAMSIM_DEVICE bool is_empty() const { return tile == end_tile && slice == end_slice; }
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
  copy_bits_async(args, me, TilePlace(g, share.tile));
  clear_lists(args, me);
  ptx::copy_async_wait();
  ptx::fence_for_warpgroup_mma();
  ptx::block_sync();
  uint32_t complete = 0;
  while (!share.is_empty()) {
    const TilePlace place(g, share.tile);
    const int end_slice = share.tile < share.end_tile ? args.slices : share.end_slice;
    // Until the first product a thread reads only bits that it has copied itself.
    if (args.skip_zeros) note_lit(args, me, first_positions);
    ptx::warpgroup_sync();  // the notes are there, nobody needs the lists of the tile before
    const bool changed = list_tile(args, me, Product::kSpreads, Product::Sums::kStart, complete);
    const bool collects = !Product::kSpreads && args.piece_count > 0;
    if (collects) {
      collect_bits(args, me);
      ptx::fence_for_warpgroup_mma();
    }
    if (changed || collects) ptx::warpgroup_sync();
    if (collects) {
      copy_bits_async(args, me, TilePlace(g, share.tile + 1));
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
            copy_bits_async(args, me, TilePlace(g, share.tile + 1));
            ptx::warp_sync();  // products want whole warps, and not every thread had a pixel to copy
          }
        }
        work.multiply_digit(digit, sums);
        if (digit == 0) break;
        sums.next_digit();
      }
      if (!Product::kSpreads && last && !collects) {
        ptx::warpgroup_sync();  // nobody multiplies bits any more
        copy_bits_async(args, me, TilePlace(g, share.tile + 1));
      }
      store_warpgroup_tile<Product, kPairs>(args, me, place, first_slice + slice, sums);
    }
    ptx::copy_async_wait();
    ptx::fence_for_warpgroup_mma();
    if (share.tile == share.end_tile) break;
    ++share.tile;
    share.slice = 0;
  }
}

}  // namespace sramsim::cuda
