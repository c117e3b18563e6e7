// The three kinds of products of the warpgroup kernels, and how their partial sums are converted and added
// up.
//   float8  partial sums arrive as halves, two to a register, and are converted in pairs; operands are bytes
//   wide    partial sums arrive as integers, one instruction converts and adds one; operands are the bits
//           themselves. The next row group's product runs while the last one's sums are converted
//   binary  the same for converters that saturate: converted as integers or packed to halves, then added,
//           those of two row groups in one instruction
// A register that a product writes costs its scheduler about half an instruction (docs/performance_gpu.md).
#pragma once

#include <type_traits>

#include "kernels/sram_conv/sram_adc_cuda.h"

namespace sramsim::cuda {

/// Sums of conversions of a slice, columns 8j + 2t (low lane) and 8j + 2t + 1 of row g + 8h in word 2*j + h.
template <int kColumns>
struct PackedLanes {
  static constexpr int kWords = kColumns / 4;
  /// What a channel's weighed columns are added to. `bias`: what every word holds too much; `weights`: their
  /// sum. All modulo 2^32.
  SRAMSIM_DEVICE static uint32_t start(uint32_t, int32_t) { return 0; }
  /// The two columns, weighed.
  SRAMSIM_DEVICE static uint32_t weighed(const uint32_t (&acc)[kWords], uint32_t bias, int j, int h,
                                         const int32_t* weight) {
    const uint32_t lanes = acc[2 * j + h] - bias;
    return static_cast<uint32_t>(weight[0]) * (lanes & 0xffffu) +
           static_cast<uint32_t>(weight[1]) * (lanes >> 16);
  }
};
/// The same, column 8j + 2t + x of row g + 8h in word 4*j + 2*h + x.
template <int kColumns>
struct WholeLanes {
  static constexpr int kWords = kColumns / 2;
  SRAMSIM_DEVICE static uint32_t start(uint32_t bias, int32_t weights) {
    return 0u - bias * static_cast<uint32_t>(weights);
  }
  SRAMSIM_DEVICE static uint32_t weighed(const uint32_t (&acc)[kWords], uint32_t, int j, int h,
                                         const int32_t* weight) {
    return static_cast<uint32_t>(weight[0]) * acc[4 * j + 2 * h] +
           static_cast<uint32_t>(weight[1]) * acc[4 * j + 2 * h + 1];
  }
};

/// What the loops know of a kind. kGroups: row groups multiplied at a time, so that their conversions share
/// additions. kHeldBack: of the lowest digit's, those that its loop leaves out.
template <ProductKind kProductKind, int kAtATime>
struct ProductTraits {
  static constexpr ProductKind kKind = kProductKind;
  static constexpr int kColumns = columns_of_slice(kKind), kSlices = slices_of_tile(kKind),
                       kGroups = kAtATime, kHeldBack = kKind == ProductKind::kWide ? 1 : 0;
  static constexpr bool kSpreads = kKind == ProductKind::kFloat8;
};

/// Products of 8-bit floats. Operand A is 2^-9 .. 2^1 where an activation bit is set, operand B what makes a
/// product of 2^-8 of it where a weight bit is, so that a partial sum P arrives as P * 2^-8: exact up to
/// 2048.
struct Float8Product : ProductTraits<ProductKind::kFloat8, 2> {
  static constexpr int kWords = 16;  ///< of a product
  using Lanes = PackedLanes<kColumns>;
  using Sums = IntegerSums;
  template <bool kAdd>
  SRAMSIM_DEVICE static void multiply(uint32_t (&p)[kWords], ptx::MatrixDescriptor a,
                                      ptx::MatrixDescriptor b) {
    ptx::warpgroup_mma_e4m3_n64<kAdd>(p, a, b);
  }
  template <int kGroups>
  SRAMSIM_DEVICE static void add_converted(const AdcForm& form, const uint32_t (&p)[kGroups][kWords],
                                           uint32_t (&acc)[Lanes::kWords]) {
    SRAMSIM_UNROLL
    for (int r = 0; r < kWords; ++r) {
      uint32_t sum = ptx::fma_saturate_half2(p[0][r], form.half_scale, form.half_offset);
      if constexpr (kGroups == 2) sum += ptx::fma_saturate_half2(p[1][r], form.half_scale, form.half_offset);
      acc[r] += sum;
    }
  }
};

/// Products of bits, by 128 columns. A word of a product: column 8j + 2t + x of row g + 8h in 4*j + 2*h + x.
struct WideProduct : ProductTraits<ProductKind::kWide, 1> {
  static constexpr int kWords = 64;  ///< of a product
  using Lanes = WholeLanes<kColumns>;
  using Sums = FusedForm;
  template <bool kAdd>
  SRAMSIM_DEVICE static void multiply(uint32_t (&p)[kWords], ptx::MatrixDescriptor a,
                                      ptx::MatrixDescriptor b) {
    ptx::warpgroup_mma_and_n128<kAdd>(p, a, b);
  }
  SRAMSIM_DEVICE static void add_converted(const AdcForm& form, const uint32_t (&p)[1][kWords],
                                           uint32_t (&acc)[Lanes::kWords]) {
    SRAMSIM_UNROLL
    for (int r = 0; r < kWords; ++r) acc[r] = ptx::fma_bits(p[0][r], form.scale, acc[r]);
  }
};

/// The same by 64 columns. Form: FmaForm or Half2Form.
template <class Form>
struct BinaryProduct : ProductTraits<ProductKind::kBinary, 2> {
  static constexpr int kWords = 32;  ///< of a product
  static constexpr bool kPacked = Form::kKind == AdcKind::kHalf2;
  using Lanes = std::conditional_t<kPacked, PackedLanes<kColumns>, WholeLanes<kColumns>>;
  using Sums = Form;
  template <bool kAdd>
  SRAMSIM_DEVICE static void multiply(uint32_t (&p)[kWords], ptx::MatrixDescriptor a,
                                      ptx::MatrixDescriptor b) {
    ptx::warpgroup_mma_and_n64<kAdd>(p, a, b);
  }
  /// In chunks: the compiler would put all multiplications in front of all additions, which then wait for
  /// their half as wide pipe.
  template <int kGroups>
  SRAMSIM_DEVICE static void add_converted(const AdcForm& form, const uint32_t (&p)[kGroups][kWords],
                                           uint32_t (&acc)[Lanes::kWords]) {
    constexpr int kChunk = 8;
    if constexpr (kPacked) {
      // One pair by a multiplication, one by a permutation: their pipes take turns.
      SRAMSIM_UNROLL
      for (int r = 0; r < Lanes::kWords; ++r) {
        uint32_t sum = ptx::fma_saturate_half2(p[0][2 * r] + p[0][2 * r + 1] * 65536u, form.half_scale,
                                               form.half_offset);
        if constexpr (kGroups == 2)
          sum += ptx::fma_saturate_half2(ptx::pack_lanes(p[1][2 * r], p[1][2 * r + 1]), form.half_scale,
                                         form.half_offset);
        acc[r] += sum;
      }
    } else {
      float scale = form.scale;
      SRAMSIM_UNROLL
      for (int r = 0; r < kWords; ++r) {
        uint32_t sum = ptx::fma_saturate(p[0][r], scale, form.offset);
        if constexpr (kGroups == 2) sum += ptx::fma_saturate(p[1][r], scale, form.offset);
        acc[r] += sum;
        if (r % kChunk == kChunk - 1 && r + 1 < kWords) scale = ptx::after(scale, acc[r], form.zero);
      }
    }
  }
};

/// Whether a kernel of two column pairs is made for row groups of two products: where their places fit into
/// its registers. With four pairs they never do.
template <class Product>
constexpr bool kUnrollsTwoProducts = !std::is_same_v<Product, BinaryProduct<FmaForm>>;

}  // namespace sramsim::cuda
