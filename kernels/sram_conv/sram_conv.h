// SRAM convolution: quantised convolution as an array of subarrays computes it, one ADC conversion at a time.
//
// For row group g, input digit i (dac_bits d bits of the activation code) and weight plane j:
//   P(g,i,j) = sum over rows of digit_i(q) * bit_j(c)                an integer in 0..rows(g)*(2^d-1)
//   acc      = sum_g sum_i sum_j plane_weight(j) * 2^(i*d) * table[P(g,i,j)]
//   S        = step * acc - [offset encoding] 2^(B-1) * sum over the window of q
//   y        = float(S) / act_scale / weight_scale (+ bias), then ReLU if asked
// Layouts: q uint8 [N,H,W,C], weight codes int8 [O,KH,KW,C], S and y [N,OH,OW,O]. No partial-sum tensor
// exists.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/core/adc_table.h"
#include "kernels/core/conv_shape.h"
#include "kernels/core/encoding.h"
#include "kernels/core/macros.h"
#include "kernels/core/output_scale.h"
#include "kernels/core/row_plan.h"

namespace sramsim {

/// *What* is computed. Several ADCs may share one pass: the partial sums are formed once, each table is
/// applied to them.
struct SramConvSpec {
  ConvShape shape;
  int act_bits = 4;     ///< A, 1..8
  int weight_bits = 4;  ///< B, 2..8
  int dac_bits = 1;     ///< d, 1..8; beyond A the one digit leaves the converter's top range unused
  Encoding encoding = Encoding::kTwosComplement;
  RowPlan rows;
  std::vector<AdcTable> adcs;  ///< at least one; each covers P = 0..largest_group*(2^d-1)

  int digits() const { return (act_bits + dac_bits - 1) / dac_bits; }
  int planes() const { return plane_count(encoding, weight_bits); }
  uint32_t p_max() const { return static_cast<uint32_t>(rows.largest_group()) * ((1u << dac_bits) - 1); }
  /// ADC conversions of one image.
  int64_t conversions() const {
    return int64_t{shape.out_h()} * shape.out_w() * shape.o * rows.groups() * digits() * planes();
  }
};

/// Where the results of one ADC table go: exactly one of `s` (raw S) and `y` (scaled) is set.
struct SramOutput {
  double* s = nullptr;
  float* y = nullptr;
  float act_scale = 1.0f;
  float weight_scale = 1.0f;
  const float* bias = nullptr;  ///< [O] or null
  bool relu = false;
};

/// S from the integer shift-add: `acc` in code units, `window_sum` = sum of q over the window (offset
/// encoding only).
SRAMSIM_HD static inline double sram_sum(int32_t acc, double step, int32_t offset_weight,
                                         int32_t window_sum) {
  return step * static_cast<double>(acc) -
         static_cast<double>(offset_weight) * static_cast<double>(window_sum);
}

/// The layer's real output. Every backend and the integer convolution use this one order of operations.
SRAMSIM_HD static inline float layer_output(double s, float act_scale, float weight_scale, float bias,
                                            bool relu) {
  return add_bias(static_cast<float>(s) / act_scale / weight_scale, bias, relu);
}

/// *How*: weights packed once for one spec by one kernel variant. Results do not depend on the number of
/// threads or on how images are batched. Thread-safe: run() may be called on one plan from several threads.
class SramConvPlan {
 public:
  virtual ~SramConvPlan() = default;
  /// Simulates n images; outputs.size() == spec.adcs.size().
  virtual void run(const uint8_t* q, int n, std::span<const SramOutput> outputs) const = 0;
  /// How, in detail, for --verbose; empty where the variant's name says it all.
  virtual std::string describe() const { return ""; }
};

/// One way to compute the op, in the ordered list of variants (best first, reference last).
struct SramConvVariant {
  const char* name;  ///< "amx", "avx512", "avx2", "portable", "integer", "reference", ...
  const char* idea;  ///< one sentence: what it does differently from the next one
  /// Empty if this machine and this spec can use it, else the reason why not.
  std::string (*refuses)(const SramConvSpec& spec);
  /// codes: int8 [O,KH,KW,C], not needed after the call.
  std::unique_ptr<SramConvPlan> (*make)(const SramConvSpec& spec, const int8_t* codes);
};

std::span<const SramConvVariant> sram_conv_variants();

/// Throws InputError with one line if the spec is inconsistent (bits out of range, rows not a partition of
/// C*KH*KW, a table too short, sums that could leave 32 bits) or a weight code does not fit the bits or the
/// encoding.
void check_sram_conv(const SramConvSpec& spec, const int8_t* codes);

/// Largest |acc| that the digits, planes and row groups of `spec` can add up to with this table.
double sum_bound(const SramConvSpec& spec, const AdcTable& table);

/// Checks, then plans with the first variant that accepts, or with the variant called `force`
/// (InputError with its reason if it refuses). `chosen`, if given, receives the variant's name.
std::unique_ptr<SramConvPlan> plan_sram_conv(const SramConvSpec& spec, const int8_t* codes,
                                             const std::string& force = "", std::string* chosen = nullptr);

/// Counts every conversion's partial sum: counts[P] += 1, P = 0..p_max, over n images. For statistics,
/// calibration and histograms. All output channels, all groups, digits and planes.
void partial_sum_histogram(const SramConvSpec& spec, const int8_t* codes, const uint8_t* q, int n,
                           std::span<uint64_t> counts);

}  // namespace sramsim
