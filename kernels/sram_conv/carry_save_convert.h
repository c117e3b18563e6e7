// From counter planes to accumulators: transposed to bytes, looked up in tables, weighed. Part of
// carry_save_kernel.h.
//
// Simd supplies kLanes, store, make_index (counter planes -> index bytes), add_codes (index bytes -> table ->
// dot product) and add_bytes (index bytes -> dot product).
#pragma once

#include <algorithm>

#include "kernels/sram_conv/carry_save.h"
#include "kernels/sram_conv/carry_save_count.h"

namespace sramsim::carry_save {
namespace {

/// How partial sums of a given bound are looked up; kPlanes counter planes hold them.
enum class Range {
  kNibble,   ///< P < 16
  kSix,      ///< P < 64
  kSeven,    ///< P < 128
  kEight,    ///< P < 256
  kChunked,  ///< P < 4096: 128 entries at a time
  kWide,     ///< any P
};
template <Range kRange>
inline constexpr int kPlanes = kRange == Range::kNibble    ? 4
                               : kRange == Range::kSix     ? 6
                               : kRange == Range::kSeven   ? 7
                               : kRange == Range::kEight   ? 8
                               : kRange == Range::kChunked ? 12
                                                           : 24;

template <class Simd>
struct Accumulators {
  typename Simd::Vector v[kCells];
  SRAMSIM_INLINE void load(const int32_t* from) {
#pragma GCC unroll 8
    for (int r = 0; r < kCells; ++r) v[r] = Simd::load(from + r * Simd::kLanes);
  }
  SRAMSIM_INLINE void store(int32_t* to) const {
#pragma GCC unroll 8
    for (int r = 0; r < kCells; ++r) Simd::store(to + r * Simd::kLanes, v[r]);
  }
};

/// Where the codes of one digit go.
struct Target {
  const uint32_t* dots;  ///< [kCells] plane weights times 2^s of the digit
  int32_t* acc;          ///< of the first table, [kCells][lane]
  int64_t table_stride;  ///< int32 values from one table's accumulators to the next's; of one table, any
};

/// Looks partial sums up in every table and adds the codes to accumulators in memory.
template <class Simd, class Index>
SRAMSIM_INLINE void look_up(const Layer& layer, const Index& index, uint32_t bound, const Target& target) {
  for (int t = 0; t < layer.table_count; ++t) {
    if (bound < layer.tables[t].first) continue;
    Accumulators<Simd> acc;
    acc.load(target.acc + t * target.table_stride);
    Simd::add_codes(index, layer.tables[t], bound, target.dots, acc.v);
    acc.store(target.acc + t * target.table_stride);
  }
}
template <class Simd, Range kRange>
SRAMSIM_INLINE void convert(const Layer& layer, const typename Simd::Vector (&planes)[kPlanes<kRange>],
                            uint32_t bound, const Target& target) {
  look_up<Simd>(layer, Simd::template make_index<kRange>(planes), bound, target);
}

/// As above for one table with the accumulators in registers.
template <class Simd, Range kRange>
SRAMSIM_INLINE void convert(const Layer& layer, const typename Simd::Vector (&planes)[kPlanes<kRange>],
                            uint32_t bound, const uint32_t* dots, Accumulators<Simd>& acc) {
  const auto index = Simd::template make_index<kRange>(planes);
  Simd::template add_codes<kRange>(index, layer.tables[0], bound, dots, acc.v);
}

/// Counts the n <= 255 rows of one digit (one bit, one piece) and hands (planes, range) to `use`.
template <class Simd, class Use>
SRAMSIM_INLINE void count_digit(const Rows<Simd>& row, int n, Use&& use) {
  using Vector = typename Simd::Vector;
  if (n < 16) {
    Vector p[kPlanes<Range::kNibble>];
    if (n < 8) {
      count_seven(row, p[0], p[1], p[2]);
      p[3] = Simd::zero();
    } else {
      count_fifteen(row, p[0], p[1], p[2], p[3]);
    }
    return use.template operator()<Range::kNibble>(p);
  }
  if constexpr (Simd::kHasSix)
    if (n < 64) {
      Vector p[kPlanes<Range::kSix>];
      count_rows<Simd>(row, n, p);
      return use.template operator()<Range::kSix>(p);
    }
  if (n < 128) {
    Vector p[kPlanes<Range::kSeven>];
    count_rows<Simd>(row, n, p);
    // Few columns have more than half of their weights set: no partial sum reaches 64 far more often than
    // not.
    if constexpr (Simd::kHasSix)
      if (Simd::is_zero(p[6])) {
        Vector six[kPlanes<Range::kSix>];
        std::copy_n(p, kPlanes<Range::kSix>, six);
        return use.template operator()<Range::kSix>(six);
      }
    return use.template operator()<Range::kSeven>(p);
  }
  Vector p[kPlanes<Range::kEight>];
  count_rows<Simd>(row, n, p);
  use.template operator()<Range::kEight>(p);
}

/// Address arithmetic of packed weights and accumulators.
template <class Simd>
const uint8_t* piece_weights(const Layer& layer, const Piece& piece, int vector) {
  return layer.weights + piece.weights + int64_t{vector} * (kConstantRows + piece.rows) * (4 * Simd::kLanes);
}
template <class Simd>
int32_t* accumulators(const Layer& layer, int32_t* pixel_acc, int half, int vector) {
  return pixel_acc + (int64_t{half} * layer.vectors + vector) * (kCells * Simd::kLanes);
}
template <class Simd>
int64_t table_stride(const Layer& layer) {
  return int64_t{layer.halves} * layer.vectors * (kCells * Simd::kLanes);
}

}  // namespace
}  // namespace sramsim::carry_save
