// Weight encodings: how a signed weight code is stored in one-bit cells, and what each stored plane weighs.
#pragma once

#include <cstdint>

#include "kernels/core/macros.h"

namespace sramsim {

enum class Encoding {
  kTwosComplement,  ///< B planes; plane j weighs 2^j, plane B-1 weighs -2^(B-1)
  kDifferential,  ///< B-1 magnitude planes of the positive part, then B-1 of the negative part (weights -2^j)
  kOffset,        ///< stores c + 2^(B-1) in B planes; the digital side subtracts 2^(B-1)*sum(q)
};

/// Number of one-bit planes (cells per weight) that `weight_bits`-bit codes occupy.
SRAMSIM_HD constexpr int plane_count(Encoding e, int weight_bits) {
  return e == Encoding::kDifferential ? 2 * (weight_bits - 1) : weight_bits;
}

/// Signed weight of plane j in the digital shift-add.
SRAMSIM_HD constexpr int32_t plane_weight(Encoding e, int weight_bits, int j) {
  switch (e) {
    case Encoding::kTwosComplement:
      return j == weight_bits - 1 ? -(1 << j) : (1 << j);
    case Encoding::kDifferential:
      return j < weight_bits - 1 ? (1 << j) : -(1 << (j - (weight_bits - 1)));
    case Encoding::kOffset:
      return 1 << j;
  }
  return 0;
}

/// The bit that code c stores in plane j (0 or 1). Differential codes must not be -2^(B-1).
SRAMSIM_HD constexpr int plane_bit(Encoding e, int weight_bits, int c, int j) {
  switch (e) {
    case Encoding::kTwosComplement:
      return (c >> j) & 1;
    case Encoding::kDifferential:
      return j < weight_bits - 1 ? (((c > 0 ? c : 0) >> j) & 1)
                                 : (((c < 0 ? -c : 0) >> (j - (weight_bits - 1))) & 1);
    case Encoding::kOffset:
      return ((c + (1 << (weight_bits - 1))) >> j) & 1;
  }
  return 0;
}

/// Digit i of activation code q: the `dac_bits` bits that one input step drives onto a wordline.
SRAMSIM_HD constexpr int act_digit(int q, int dac_bits, int i) {
  return (q >> (i * dac_bits)) & ((1 << dac_bits) - 1);
}

/// What the digital side subtracts per unit of the window's activation sum (0 except for the offset
/// encoding).
SRAMSIM_HD constexpr int32_t offset_weight(Encoding e, int weight_bits) {
  return e == Encoding::kOffset ? 1 << (weight_bits - 1) : 0;
}

}  // namespace sramsim
