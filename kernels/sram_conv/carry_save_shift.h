// Converters that are shifts (ShiftForm): codes are counter planes, and the codes that one activation bit of
// an output pixel gives at all kernel positions are added up as planes before they are transposed. Part of
// carry_save_kernel.h.
#pragma once

#include <bit>

#include "kernels/sram_conv/carry_save_members.h"

namespace sramsim::carry_save {
namespace {

/// A sum of codes in all columns, at most 255.
template <class Simd>
class CodeSums {
 public:
  using Vector = typename Simd::Vector;
  SRAMSIM_INLINE explicit CodeSums(const Target& to) : to_(to) { clear(); }

  /// Adds a code of kCount planes, at most `most`.
  template <int kCount>
  SRAMSIM_INLINE void add(const Vector* code, int most) {
    if (bound_ + most > 255) {
      deliver();
      clear();
    }
    bound_ += most;
    Vector carry = Simd::half_add(sum_[0], code[0]);
#pragma GCC unroll 8
    for (int k = 1; k < kCount; ++k) carry = Simd::full_add(sum_[k], code[k], carry);
#pragma GCC unroll 8
    for (int k = kCount; k < kFew; ++k) carry = Simd::half_add(sum_[k], carry);
    if (bound_ >= 1 << kFew) Simd::half_add(sum_[7], Simd::half_add(sum_[6], carry));
  }

  /// Adds the sum to the accumulators.
  SRAMSIM_INLINE void deliver() const {
    if (bound_ == 0) return;
    Accumulators<Simd> acc;
    acc.load(to_.acc);
    if (bound_ < 16)
      Simd::template add_bytes<Range::kNibble>(
          Simd::template make_index<Range::kNibble>({sum_[0], sum_[1], sum_[2], sum_[3]}), to_.dots, acc.v);
    else
      Simd::template add_bytes<Range::kEight>(Simd::template make_index<Range::kEight>(sum_), to_.dots,
                                              acc.v);
    acc.store(to_.acc);
  }

 private:
  static constexpr int kFew = 6;  ///< planes that are always added to

  SRAMSIM_INLINE void clear() {
    bound_ = 0;
#pragma GCC unroll 8
    for (Vector& plane : sum_) plane = Simd::zero();
  }

  const Target to_;
  int bound_;
  Vector sum_[8];
};

/// Sums that are too large for the form, and larger than those that the table knows by the ones.
template <class Simd, Range kRange>
[[gnu::noinline]] void convert_by_table(const Layer& layer,
                                        const typename Simd::Vector (&planes)[kPlanes<kRange>], int n,
                                        const Target& to) {
  auto index = Simd::template make_index<kRange>(planes);
  if (layer.form.ones > 0)
    for (auto& bytes : index.v) bytes = Simd::subtract_bytes(bytes, layer.form.ones);
  look_up<Simd>(layer, index, n, to);
}

/// Whether some sum is 2^planes or more.
template <class Simd>
SRAMSIM_INLINE bool reaches(const typename Simd::Vector (&p)[kShiftPlanes], int planes) {
  bool any = false;
#pragma GCC unroll 8
  for (int k = 0; k < kShiftPlanes; ++k) any = any || (k >= planes && !Simd::is_zero(p[k]));
  return any;
}

/// Adds the codes of one unit of n rows, `rows` beginning with those that are always set.
template <class Simd, int kShift>
SRAMSIM_INLINE void add_unit(const Layer& layer, const Rows<Simd>& rows, int n, CodeSums<Simd>& sums,
                             const Target& to) {
  using Vector = typename Simd::Vector;
  const ShiftForm& form = layer.form;
  const int counted = n + form.ones;
  if (counted < 8) {
    Vector p[3];
    count_seven(rows, p[0], p[1], p[2]);
    if constexpr (kShift < 3) sums.template add<3 - kShift>(p + kShift, counted >> kShift);
  } else if (counted < 16 && n <= form.most) {
    Vector p[4];
    count_fifteen(rows, p[0], p[1], p[2], p[3]);
    sums.template add<4 - kShift>(p + kShift, counted >> kShift);
  } else if (counted < 1 << kShiftPlanes) {
    Vector p[kShiftPlanes];
    count_rows<Simd>(rows, counted, p);
    if (n <= form.most)
      sums.template add<kShiftPlanes - kShift>(p + kShift, counted >> kShift);
    else if (n <= form.tried && !reaches<Simd>(p, form.planes))
      sums.template add<kShiftPlanes - kShift>(p + kShift, ((1 << form.planes) - 1) >> kShift);
    else
      convert_by_table<Simd, Range::kSeven>(layer, {p[0], p[1], p[2], p[3], p[4], p[5], Simd::zero()}, n, to);
  } else {
    Vector p[kPlanes<Range::kEight>];
    count_rows<Simd>(rows, counted, p);
    convert_by_table<Simd, Range::kEight>(layer, p, n, to);
  }
}

template <class Simd, int kShift>
[[gnu::noinline]] void convert_members_by_shift(const Layer& layer, const Strip& strip, const Block& block,
                                                const Members& members, int vector) {
  for (int y = 0; y < block.extent.rows; ++y)
    for (int half = 0; half < layer.halves; ++half)
      for (uint32_t pixels = live_pixels(block, members, y, half); pixels; pixels &= pixels - 1) {
        const int x = std::countr_zero(pixels), tile = y * block.tile_columns + x;
        const int pixel = (block.row + y) * strip.extent.columns + block.column + x;
        int32_t* acc = accumulators<Simd>(layer, strip.acc + pixel * layer.strip_acc, half, vector);
        const LivePlaces live(block, members, y, x, half);
        for (int bit = 0; bit < 4; ++bit) {
          if (live.of_bit[bit] == 0) continue;
          const Target to{layer.dots[vector][bit], acc, 0};
          CodeSums<Simd> sums(to);
          for (uint32_t places = live.of_bit[bit]; places; places &= places - 1) {
            const int place = std::countr_zero(places);
            const Unit unit = block.units[half][tile + members.tile[place]][bit];
            const Rows<Simd> rows{members.weights[place], strip.lists + unit.list()};
            add_unit<Simd, kShift>(layer, rows, unit.rows(), sums, to);
          }
          sums.deliver();
        }
      }
}

/// Members whose row vectors stay in a small cache, in the way that converters and activations suggest.
template <class Simd>
void convert_some(const Layer& layer, const Strip& strip, const Block& block, const Members& members,
                  int vector) {
  if constexpr (Simd::kShifts) {
    const bool few_rows = 2 * block.long_units <= block.live_units;
    switch (few_rows ? layer.form.shift : -1) {
      case 0:
        return convert_members_by_shift<Simd, 0>(layer, strip, block, members, vector);
      case 1:
        return convert_members_by_shift<Simd, 1>(layer, strip, block, members, vector);
      case 2:
        return convert_members_by_shift<Simd, 2>(layer, strip, block, members, vector);
      case 3:
        return convert_members_by_shift<Simd, 3>(layer, strip, block, members, vector);
      default:
        break;
    }
  }
  if (layer.table_count == 1)
    convert_members<Simd, true>(layer, strip, block, members, vector);
  else
    convert_members<Simd, false>(layer, strip, block, members, vector);
}

template <class Simd>
void convert_common_family(const Layer& layer, const Strip& strip, const Family& family, const Block& block) {
  Members members;
  for (int begin = family.group_begin, end; begin < family.group_end; begin = end) {
    end = std::min(begin + layer.members_together, family.group_end);
    for (int vector = 0; vector < layer.vectors; ++vector) {
      members.top = kFamilyHeight, members.bottom = 0;
      std::memset(members.columns, 0, sizeof members.columns);
      for (int g = begin; g < end; ++g) {
        const Group& group = layer.groups[g];
        const int place = kFamilyWidth * group.down + group.right;
        members.top = std::min(members.top, group.down);
        members.bottom = std::max(members.bottom, group.down + 1);
        members.columns[group.down] |= static_cast<uint8_t>(1 << group.right);
        members.tile[place] = group.down * block.tile_columns + group.right;
        members.weights[place] = piece_weights<Simd>(layer, layer.pieces[group.piece_begin], vector);
      }
      convert_some<Simd>(layer, strip, block, members, vector);
    }
  }
}

}  // namespace
}  // namespace sramsim::carry_save
