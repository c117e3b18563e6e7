// Counting set rows: Harley-Seal trees of full adders over row vectors. Part of carry_save_kernel.h.
//
// Simd supplies Vector, load, zero, entry (the k-th 16-bit field of a word), full_add and half_add. A list is
// padded with zero rows, so that blocks need no remainder.
#pragma once

#include <cstring>

#include "kernels/sram_conv/carry_save.h"

namespace sramsim::carry_save {
namespace {

/// Row vectors in list order, four at a time: one load fetches four list entries, because beside a load of a
/// whole cache line there is room for only one other load per cycle.
template <class Simd>
struct Rows {
  const uint8_t* base;
  const uint16_t* list;

  using Vector = typename Simd::Vector;
  SRAMSIM_INLINE Rows from(int k) const { return {base, list + k}; }
  SRAMSIM_INLINE void four(int k, Vector (&row)[4]) const {
    uint64_t entries;
    std::memcpy(&entries, list + k, sizeof entries);
    row[0] = Simd::load(base + 8 * (entries & 0xFFFF));
    row[1] = Simd::load(base + 8 * Simd::entry(entries, 1));
    row[2] = Simd::load(base + 8 * Simd::entry(entries, 2));
    row[3] = Simd::load(base + 8 * (entries >> 48));
  }
};

/// p = the sum of the first seven rows, in three planes: four full adders.
template <class Simd, class Vector = typename Simd::Vector>
SRAMSIM_INLINE void count_seven(const Rows<Simd>& rows, Vector& p0, Vector& p1, Vector& p2) {
  Vector a[4], b[4];
  rows.four(0, a);
  rows.four(4, b);
  p0 = a[0];
  p1 = Simd::full_add(p0, a[1], a[2]);
  const Vector two_b = Simd::full_add(p0, a[3], b[0]);
  const Vector two_c = Simd::full_add(p0, b[1], b[2]);
  p2 = Simd::full_add(p1, two_b, two_c);
}

/// Adds four rows to p0 and p1; the carry weighs 4.
template <class Simd, class Vector = typename Simd::Vector>
SRAMSIM_INLINE Vector add_four(const Rows<Simd>& rows, Vector& p0, Vector& p1) {
  Vector row[4];
  rows.four(0, row);
  const Vector two_a = Simd::full_add(p0, row[0], row[1]);
  const Vector two_b = Simd::full_add(p0, row[2], row[3]);
  return Simd::full_add(p1, two_a, two_b);
}

/// Adds eight rows to p0..p2; the carry weighs 8.
template <class Simd, class Vector = typename Simd::Vector>
SRAMSIM_INLINE Vector add_eight(const Rows<Simd>& rows, Vector& p0, Vector& p1, Vector& p2) {
  const Vector four_a = add_four(rows, p0, p1);
  const Vector four_b = add_four(rows.from(4), p0, p1);
  return Simd::full_add(p2, four_a, four_b);
}

/// Adds sixteen rows to p0..p3; the carry weighs 16.
template <class Simd, class Vector = typename Simd::Vector>
SRAMSIM_INLINE Vector add_sixteen(const Rows<Simd>& rows, Vector& p0, Vector& p1, Vector& p2, Vector& p3) {
  const Vector eight_a = add_eight(rows, p0, p1, p2);
  const Vector eight_b = add_eight(rows.from(8), p0, p1, p2);
  return Simd::full_add(p3, eight_a, eight_b);
}

/// p = the sum of the first fifteen rows, in four planes: eleven full adders.
template <class Simd, class Vector = typename Simd::Vector>
SRAMSIM_INLINE void count_fifteen(const Rows<Simd>& rows, Vector& p0, Vector& p1, Vector& p2, Vector& p3) {
  count_seven(rows, p0, p1, p2);
  p3 = add_eight(rows.from(7), p0, p1, p2);
}

/// planes = the sum of n rows, n < 2^kCount.
template <class Simd, int kCount>
SRAMSIM_INLINE void count_rows(const Rows<Simd>& rows, int n, typename Simd::Vector (&p)[kCount]) {
  count_fifteen(rows, p[0], p[1], p[2], p[3]);
  for (int k = 4; k < kCount; ++k) p[k] = Simd::zero();
  int k = 15;
  for (; k + 8 < n; k += 16) {
    auto carry = add_sixteen(rows.from(k), p[0], p[1], p[2], p[3]);
#pragma GCC unroll 4
    for (int level = 4; level < kCount; ++level) carry = Simd::half_add(p[level], carry);
  }
  if (k < n) {
    auto carry = add_eight(rows.from(k), p[0], p[1], p[2]);
#pragma GCC unroll 5
    for (int level = 3; level < kCount; ++level) carry = Simd::half_add(p[level], carry);
  }
}

/// Adds n rows to `levels` planes of any value; the result must fit them. levels >= 7.
template <class Simd, class Vector = typename Simd::Vector>
void add_rows(const Rows<Simd>& rows, int n, Vector* p, int levels) {
  const auto ripple = [&](int level, Vector carry) {
    for (; level < levels; ++level) carry = Simd::half_add(p[level], carry);
  };
  const auto sixteen = [&](int k) { return add_sixteen(rows.from(k), p[0], p[1], p[2], p[3]); };
  int k = 0;
  for (; k + 64 <= n; k += 64) {
    Vector carry_a = sixteen(k), carry_b = sixteen(k + 16);
    const Vector a = Simd::full_add(p[4], carry_a, carry_b);
    carry_a = sixteen(k + 32), carry_b = sixteen(k + 48);
    const Vector b = Simd::full_add(p[4], carry_a, carry_b);
    ripple(6, Simd::full_add(p[5], a, b));
  }
  for (; k < n; k += 16) ripple(4, sixteen(k));
}

}  // namespace
}  // namespace sramsim::carry_save
