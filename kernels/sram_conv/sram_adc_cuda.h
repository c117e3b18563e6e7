// Cheap exact forms of a converter table, and which of them a table admits.
//
//   form    word added per conversion               bias per conversion        issue slots per conversion
//   clamp   min(P, L), chained through the mma's C  0                          1
//   fused   FFMA onto the sum so far                0                          1
//   half2   two conversions in one HFMA2.SAT        2 * (0x3C00 - L)           1.0 .. 1.25
//   fma     FFMA.SAT on the raw accumulator         0x3F800000 - L             1.5 .. 2
//   table   shared-memory lookup                    0                          a load
//   none    P itself (lossless: integer product)    0                          0
// Read as a float, the integer p is the subnormal p * 2^-149. fma(p, 2^125/D, 1 - L*2^-24) = 1 - (L - p/D) *
// 2^-24 is rounded to a multiple of 2^-24 (the spacing below 1) and saturates at 1: its bits are 0x3F800000 -
// (L - code). The factor is nudged up so that ties round up. In half precision the same holds with 2^13/D and
// a spacing of 2^-11; where a nudge would be too coarse, L + 1 in the place of L turns ties the other way.
// A converter that never saturates needs no addition of its own: a sum that starts at 3/4 has the same
// spacing of 2^-24 for 2^22 codes either way, and fma(p, 2^125/D, sum) rounds as it adds. The table is the
// truth: a form is used only after it equals the table for every partial sum.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/core/adc_table.h"
#include "kernels/sram_conv/sram_args_cuda.h"

namespace sramsim::cuda {

enum class AdcKind { kClamp, kFused, kHalf2, kFma, kTable, kNone };

const char* to_string(AdcKind kind);

/// Sums of whole numbers: what a word of them starts with, and a word times a factor.
struct IntegerSums {
  static constexpr uint32_t kStart = 0;
  static constexpr bool kSharesAdditions = true;  ///< two conversions are added by one instruction
  SRAMSIM_DEVICE static uint32_t times(uint32_t word, int32_t factor) {
    return word * static_cast<uint32_t>(factor);
  }
};
/// Sums of codes in units of 2^-24, as floats from 1/2 to 1: kStart + n stands for n, |n| <= kMostFusedSum.
struct FusedSums {
  static constexpr bool kSharesAdditions = false;
  static constexpr float kStartValue = 0.75f;
  static constexpr uint32_t kStart = 0x3F400000u;  // its bits
  SRAMSIM_DEVICE static uint32_t times(uint32_t word, int32_t factor) {
    const auto f = static_cast<float>(factor);
    return ptx::fma_bits(word, f, ptx::float_bits(kStartValue * (1.0f - f)));
  }
};
inline constexpr int64_t kMostFusedSum = 1 << 22;

/// The device policies. convert() adds the conversions of one mma's four partial sums to kWords accumulators.
struct ClampForm : IntegerSums {
  static constexpr AdcKind kKind = AdcKind::kClamp;
  static constexpr bool kSharesAdditions = false;
  static constexpr int kWords = 4;
  SRAMSIM_DEVICE static void convert(const AdcForm& form, const int32_t (&p)[4], uint32_t* acc) {
    for (int k = 0; k < 4; ++k) acc[k] += static_cast<uint32_t>(p[k] < form.limit ? p[k] : form.limit);
  }
};

struct FusedForm : FusedSums {
  static constexpr AdcKind kKind = AdcKind::kFused;
  static constexpr int kWords = 4;
  SRAMSIM_DEVICE static void convert(const AdcForm& form, const int32_t (&p)[4], uint32_t* acc) {
    for (int k = 0; k < 4; ++k) acc[k] = ptx::fma_bits(static_cast<uint32_t>(p[k]), form.scale, acc[k]);
  }
};

struct FmaForm : IntegerSums {
  static constexpr AdcKind kKind = AdcKind::kFma;
  static constexpr int kWords = 4;
  SRAMSIM_DEVICE static void convert(const AdcForm& form, const int32_t (&p)[4], uint32_t* acc) {
    for (int k = 0; k < 4; ++k)
      acc[k] += ptx::fma_saturate(static_cast<uint32_t>(p[k]), form.scale, form.offset);
  }
};

/// Columns 2t and 2t+1 share a word: the low half is the even column.
struct Half2Form : IntegerSums {
  static constexpr AdcKind kKind = AdcKind::kHalf2;
  static constexpr int kWords = 2;
  SRAMSIM_DEVICE static void convert(const AdcForm& form, const int32_t (&p)[4], uint32_t* acc) {
    for (int k = 0; k < 2; ++k) {
      const uint32_t pair = static_cast<uint32_t>(p[2 * k]) + (static_cast<uint32_t>(p[2 * k + 1]) << 16);
      acc[k] += ptx::fma_saturate_half2(pair, form.half_scale, form.half_offset);
    }
  }
};

/// `table` is the shared-memory copy of the codes.
struct TableForm : IntegerSums {
  static constexpr AdcKind kKind = AdcKind::kTable;
  static constexpr int kWords = 4;
  SRAMSIM_DEVICE static void convert(ptx::SharedAddress table, const int32_t (&p)[4], uint32_t* acc) {
    for (int k = 0; k < 4; ++k) acc[k] += ptx::shared_load(table + static_cast<uint32_t>(p[k]) * 4);
  }
};

/// No converter: sums stay in the mma's accumulators.
struct NoForm : IntegerSums {
  static constexpr AdcKind kKind = AdcKind::kNone;
  static constexpr int kWords = 4;
};

/// Turns an admitted half2 form into the one for partial sums that arrive as P * 2^-8 instead of P * 2^-24:
/// the same product, and so the same codes. False if the factor leaves the normal halves.
bool scale_for_float8(AdcForm* form);

/// Fills `form` with the constants of `kind` and tries every partial sum 0..p_max. Empty if the form equals
/// the table, else the first partial sum that differs, or why the form does not apply, in one line. kTable
/// always applies.
std::string admit_adc_form(const AdcTable& table, uint32_t p_max, AdcKind kind, AdcForm* form);

}  // namespace sramsim::cuda
