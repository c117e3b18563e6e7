// How a warpgroup multiplies and converts the listed row groups of an o tile: a few at a time (BatchedWork),
// or always one ahead (PipelinedWork).
#pragma once

#include <type_traits>

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

/// Entries of a list that follow each other.
template <int kCount>
struct Entries {
  ptx::WordPair entry[kCount];

  Entries() = default;
  SRAMSIM_DEVICE explicit Entries(ptx::SharedAddress list) {
    if constexpr (kCount % 2 == 0) {
      SRAMSIM_UNROLL
      for (int k = 0; k < kCount; k += 2) {
        const Unit two = ptx::shared_load_unit(list + static_cast<uint32_t>(k) * kListEntry);
        entry[k] = {two.word[0], two.word[1]};
        entry[k + 1] = {two.word[2], two.word[3]};
      }
    } else {
      SRAMSIM_UNROLL
      for (int k = 0; k < kCount; ++k)
        entry[k] = ptx::shared_load_pair(list + static_cast<uint32_t>(k) * kListEntry);
    }
  }
};

/// Where the operands of kCount products are; operands B of a slice begin `column` units after those that the
/// entries name.
template <int kCount>
struct Places {
  uint32_t a[kCount], b[kCount];

  Places() = default;
  SRAMSIM_DEVICE Places(const Entries<kCount>& entries, uint32_t column) {
    SRAMSIM_UNROLL
    for (int k = 0; k < kCount; ++k) {
      a[k] = ptx::uniform(entries.entry[k].low);
      b[k] = ptx::uniform(entries.entry[k].high + column);
    }
  }
  SRAMSIM_DEVICE Places(ptx::SharedAddress list, uint32_t column) : Places(Entries<kCount>(list), column) {}
};

/// Starts product k of a slice, `slice_units` after the first one's operands B.
template <class Product, bool kAdd, int kCount>
SRAMSIM_DEVICE void start_product(const SramConvArgs& args, const Places<kCount>& places, int k,
                                  uint32_t slice_units, uint32_t (&p)[Product::kWords]) {
  constexpr uint32_t kBRows = 8;  // from 8 columns to the next
  Product::template multiply<kAdd>(p, {places.a[k], static_cast<uint32_t>(args.a_rows)},
                                   {places.b[k] + slice_units, kBRows});
}

/// Starts all products of a row group, which the list names from `list` on.
template <class Product>
SRAMSIM_DEVICE void start_listed_products(const SramConvArgs& args, ptx::SharedAddress list, uint32_t column,
                                          uint32_t slice_units, uint32_t (&p)[Product::kWords]) {
  ptx::warpgroup_arrive();
  start_product<Product, false>(args, Places<1>(list, column), 0, slice_units, p);
  SRAMSIM_NO_UNROLL
  for (int k = 1; k < args.group_products; ++k) {
    list += kListEntry;
    ptx::warpgroup_arrive();
    start_product<Product, true>(args, Places<1>(list, column), 0, slice_units, p);
  }
}

/// The row groups of an o tile that are still to come, digit after digit: Product::kGroups at a time are
/// multiplied with all slices, and converted slice by slice. kProducts: of a row group, or 0:
/// args.group_products. The float8 kernel has places fetched while products run.
template <class Product, int kProducts>
class BatchedWork {
 public:
  /// Of the highest digit; `slice`: the o tile's first.
  SRAMSIM_DEVICE BatchedWork(const SramConvArgs& args, const WarpgroupPlace& me, int slice)
      : args_(args),
        me_(me),
        column_(ptx::uniform(static_cast<uint32_t>(slice * args.slice_units))),
        count_(static_cast<int>(ptx::uniform(ptx::shared_load(me.count(args.digits - 1))))),
        list_(me.list()) {
    if constexpr (kAhead) places_ = GroupPlaces(list_, column_);
  }

  /// Multiplies and converts all listed row groups of a digit; then those of the next lower one are at hand.
  SRAMSIM_DEVICE void multiply_digit(int digit, WarpgroupSums<Product>& sums) {
    const uint32_t next_count = ptx::shared_load(me_.count(digit > 0 ? digit - 1 : 0));
    SRAMSIM_NO_UNROLL
    for (; count_ >= kGroups; count_ -= kGroups) multiply<kGroups>(sums);
    if (kGroups > 1 && count_ > 0) multiply<1>(sums);
    count_ = static_cast<int>(ptx::uniform(next_count));
  }
  SRAMSIM_DEVICE void finish(WarpgroupSums<Product>&) {}

 private:
  static constexpr int kEach = kProducts > 0 ? kProducts : 1;
  static constexpr bool kAhead = kProducts > 0 && Product::kSpreads;
  static constexpr int kGroups = Product::kGroups;
  static_assert(kGroups <= 2 && Product::kHeldBack == 0, "one group may be left over");
  using GroupPlaces = Places<kGroups * kEach>;

  template <int kAtOnce>
  SRAMSIM_DEVICE void multiply(WarpgroupSums<Product>& sums) {
    constexpr int kLast = Product::kSlices - 1;
    const uint32_t group_bytes =
        static_cast<uint32_t>(kProducts > 0 ? kProducts : args_.group_products) * kListEntry;
    const ptx::SharedAddress next = list_ + kGroups * group_bytes;  // a digit begins at a multiple of them
    uint32_t p[Product::kSlices][kAtOnce][Product::kWords];
    if constexpr (kProducts > 0) {
      const GroupPlaces places = kAhead ? places_ : GroupPlaces(list_, column_);
      ptx::warpgroup_arrive();
      SRAMSIM_UNROLL
      for (int s = 0; s <= kLast; ++s) {
        SRAMSIM_UNROLL
        for (int group = 0; group < kAtOnce; ++group) {
          start_product<Product, false>(args_, places, group * kEach, slice_units(s), p[s][group]);
          SRAMSIM_UNROLL
          for (int k = 1; k < kEach; ++k)
            start_product<Product, true>(args_, places, group * kEach + k, slice_units(s), p[s][group]);
        }
        ptx::warpgroup_commit();
      }
      if constexpr (kAhead) places_ = GroupPlaces(next, column_);
    } else {
      SRAMSIM_UNROLL
      for (int s = 0; s <= kLast; ++s) {
        SRAMSIM_UNROLL
        for (int group = 0; group < kAtOnce; ++group)
          start_listed_products<Product>(args_, list_ + static_cast<uint32_t>(group) * group_bytes, column_,
                                         slice_units(s), p[s][group]);
        ptx::warpgroup_commit();
      }
    }
    list_ = next;
    if constexpr (kLast == 1) {
      ptx::warpgroup_wait<1>(p[0]);
      Product::add_converted(args_.adc, p[0], sums.acc[0]);
    }
    ptx::warpgroup_wait<0>(p[kLast]);
    Product::add_converted(args_.adc, p[kLast], sums.acc[kLast]);
  }

  SRAMSIM_DEVICE uint32_t slice_units(int s) const { return static_cast<uint32_t>(s * args_.slice_units); }

  const SramConvArgs& args_;
  const WarpgroupPlace& me_;
  uint32_t column_;  ///< where the o tile's operands B begin
  int count_;
  ptx::SharedAddress list_;
  GroupPlaces places_;
};

/// The same with one row group on its way while the one before is converted, through all digits; an o tile is
/// one slice. The list's next entry is at hand.
template <class Product, int kProducts>
class PipelinedWork {
 public:
  SRAMSIM_DEVICE PipelinedWork(const SramConvArgs& args, const WarpgroupPlace& me, int slice)
      : args_(args),
        column_(ptx::uniform(static_cast<uint32_t>(slice * args.slice_units))),
        count_at_(me.count(args.digits - 1)),
        count_(ptx::shared_load(count_at_)),
        list_(me.list()) {
    static_assert(Product::kSlices == 1 && Product::kGroups == 1 && Product::kHeldBack == 1);
    if constexpr (kProducts > 0) fetch();
    start(next(), p_[0]);
  }

  SRAMSIM_DEVICE void multiply_digit(int, WarpgroupSums<Product>& sums) {
    count_at_ -= 4;
    const uint32_t next_count = ptx::shared_load(count_at_);  // what precedes the lowest digit's is not used
    auto count = static_cast<int>(count_);
    SRAMSIM_NO_UNROLL
    for (; count >= 4; count -= 4) {  // on an H200, 2 % more images a second than two at a time
      multiply_two(sums);
      multiply_two(sums);
    }
    if (count >= 2) multiply_two(sums);
    if (count % 2 > 0) {
      const Places<kEach> places = next();
      ptx::warpgroup_wait<0>(p_[0]);
      convert(p_[0], sums);
      start(places, p_[0]);
    }
    count_ = next_count;
  }

  /// The last row group of all, which has no successor.
  SRAMSIM_DEVICE void finish(WarpgroupSums<Product>& sums) {
    ptx::warpgroup_wait<0>(p_[0]);
    convert(p_[0], sums);
  }

 private:
  static constexpr int kEach = kProducts > 0 ? kProducts : 1;
  static constexpr uint32_t kBytes = kEach * kListEntry;
  using Words = uint32_t[1][Product::kWords];

  /// Where the next row group's operands are, as far as that is at hand. Asked for shortly before they are
  /// used: what is uniform for long is moved to ordinary registers and back.
  SRAMSIM_DEVICE Places<kEach> next() const {
    if constexpr (kProducts > 0) return Places<kEach>(entries_, 0);
    return {};
  }

  SRAMSIM_DEVICE void multiply_two(WarpgroupSums<Product>& sums) {
    start_behind(p_[0], p_[1]);
    convert(p_[0], sums);
    start_behind(p_[1], p_[0]);
    convert(p_[1], sums);
  }

  /// Waits for one row group and starts the next.
  SRAMSIM_DEVICE void start_behind(Words& before, Words& p) {
    const Places<kEach> places = next();
    ptx::warpgroup_wait<0>(before);
    start(places, p);
  }

  SRAMSIM_DEVICE void start(const Places<kEach>& places, Words& p) {
    if constexpr (kProducts > 0) {
      ptx::warpgroup_arrive();
      start_product<Product, false>(args_, places, 0, 0, p[0]);
      SRAMSIM_UNROLL
      for (int k = 1; k < kProducts; ++k) start_product<Product, true>(args_, places, k, 0, p[0]);
    } else {
      start_listed_products<Product>(args_, list_, column_, 0, p[0]);
    }
    ptx::warpgroup_commit();
    fetch();
  }

  /// The entries come with the column, added while products run: next() has nothing to wait for.
  SRAMSIM_DEVICE void fetch() {
    if constexpr (kProducts > 0) {
      entries_ = Entries<kEach>(list_);
      SRAMSIM_UNROLL
      for (ptx::WordPair& entry : entries_.entry) entry.high += column_;
      list_ += kBytes;
    } else {
      list_ += static_cast<uint32_t>(args_.group_products) * kListEntry;
    }
  }

  SRAMSIM_DEVICE void convert(const Words& p, WarpgroupSums<Product>& sums) {
    Product::add_converted(args_.adc, p, sums.acc[0]);
  }

  const SramConvArgs& args_;
  uint32_t column_;  ///< where the slice's operands B begin
  ptx::SharedAddress count_at_;
  uint32_t count_;  ///< row groups of the digit to come
  ptx::SharedAddress list_;
  Entries<kEach> entries_;
  Words p_[2];
};

template <class Product, int kProducts>
using WarpgroupWork = std::conditional_t<Product::kKind == ProductKind::kWide,
                                         PipelinedWork<Product, kProducts>, BatchedWork<Product, kProducts>>;

}  // namespace sramsim::cuda
