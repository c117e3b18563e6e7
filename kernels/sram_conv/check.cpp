// Arguments of the SRAM convolution are checked once, here, so that every variant and backend rejects alike.
#include <cmath>
#include <limits>

#include "kernels/core/error.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim {
namespace {

constexpr int64_t kMaxSum = std::numeric_limits<int32_t>::max();

[[noreturn]] void fail(const std::string& what) {
  throw InputError("SRAM convolution: " + what);
}

void check_range(const char* name, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high)
    fail(std::string(name) + " is " + std::to_string(value) + ", must be " + std::to_string(low) + ".." +
         std::to_string(high));
}

void check_shape(const ConvShape& s) {
  constexpr int kMaxSide = 1 << 20;  // keeps every product below within 64 bits
  check_range("input channels", s.c, 1, kMaxSide);
  check_range("input height", s.h, 1, kMaxSide);
  check_range("input width", s.w, 1, kMaxSide);
  check_range("output channels", s.o, 1, kMaxSide);
  check_range("kernel height", s.kh, 1, kMaxSide);
  check_range("kernel width", s.kw, 1, kMaxSide);
  check_range("stride", s.stride, 1, kMaxSide);
  check_range("padding", s.padding, 0, kMaxSide);
  if (s.h + 2 * s.padding < s.kh || s.w + 2 * s.padding < s.kw)
    fail("the " + std::to_string(s.kh) + "x" + std::to_string(s.kw) + " kernel is larger than the padded " +
         std::to_string(s.h + 2 * s.padding) + "x" + std::to_string(s.w + 2 * s.padding) + " image");
  check_range("kernel positions", int64_t{s.kh} * s.kw, 1, kMaxSide);
  check_range("rows C*KH*KW", int64_t{s.c} * s.positions(), 1, kMaxSum);
}

/// Every (position, channel) in exactly one segment, every group of 1..subarray_rows rows.
void check_rows(const RowPlan& plan, const ConvShape& shape) {
  const int n = static_cast<int>(plan.segments.size());
  if (plan.group_begin.empty() || plan.group_begin.front() != 0 || plan.group_begin.back() != n)
    fail("the row plan's groups do not span its segments");
  for (int g = 0; g < plan.groups(); ++g)
    if (plan.group_begin[g + 1] <= plan.group_begin[g]) fail("row group " + std::to_string(g) + " is empty");
  std::vector<bool> taken(shape.rows());
  int64_t covered = 0;
  for (const Segment& s : plan.segments) {
    if (s.position < 0 || s.position >= shape.positions() || s.channel_begin < 0 ||
        s.channel_end <= s.channel_begin || s.channel_end > shape.c)
      fail("the row plan has a segment outside the kernel");
    for (int c = s.channel_begin; c < s.channel_end; ++c, ++covered) {
      const int64_t row = int64_t{s.position} * shape.c + c;
      if (taken[row])
        fail("the row plan holds channel " + std::to_string(c) + " of position " +
             std::to_string(s.position) + " twice");
      taken[row] = true;
    }
  }
  if (covered != shape.rows())
    fail("the row plan holds " + std::to_string(covered) + " of " + std::to_string(shape.rows()) + " rows");
  if (plan.largest_group() > plan.subarray_rows)
    fail("a row group of " + std::to_string(plan.largest_group()) + " rows exceeds the subarray's " +
         std::to_string(plan.subarray_rows));
}

void check_tables(const SramConvSpec& spec) {
  if (spec.adcs.empty()) fail("no ADC table");
  for (const AdcTable& table : spec.adcs) {
    if (table.code.size() <= spec.p_max())
      fail("an ADC table of " + std::to_string(table.code.size()) +
           " entries does not cover partial sums 0.." + std::to_string(spec.p_max()));
    if (!(table.step > 0) || !std::isfinite(table.step)) fail("an ADC step is not a positive number");
    const double bound = sum_bound(spec, table);
    if (bound > static_cast<double>(kMaxSum))
      fail("sums can reach " + std::to_string(static_cast<uint64_t>(bound)) +
           ", more than 32 bits hold (2147483647): use fewer bits, rows or channels");
  }
}

void check_codes(const SramConvSpec& spec, const int8_t* codes) {
  const int top = 1 << (spec.weight_bits - 1);
  const int low = spec.encoding == Encoding::kDifferential ? 1 - top : -top;
  for (int64_t at = 0; at < spec.shape.weights(); ++at)
    if (codes[at] < low || codes[at] >= top)
      fail("weight code " + std::to_string(codes[at]) + " of output channel " +
           std::to_string(at / spec.shape.rows()) + " is outside " + std::to_string(low) + ".." +
           std::to_string(top - 1) + " (" + std::to_string(spec.weight_bits) + " bits" +
           (spec.encoding == Encoding::kDifferential ? ", differential encoding)" : ")"));
}

}  // namespace

double sum_bound(const SramConvSpec& spec, const AdcTable& table) {
  std::vector<uint32_t> largest(spec.p_max() + 1);  // largest code of any partial sum up to P
  for (uint32_t p = 0, most = 0; p < largest.size(); ++p) largest[p] = most = std::max(most, table.code[p]);
  double positive = 0, negative = 0;
  for (int j = 0; j < spec.planes(); ++j) {
    const int32_t weight = plane_weight(spec.encoding, spec.weight_bits, j);
    (weight > 0 ? positive : negative) += std::abs(weight);
  }
  double codes = 0;
  for (int g = 0; g < spec.rows.groups(); ++g)
    for (int i = 0; i < spec.digits(); ++i) {
      const int bits =
          std::min(spec.dac_bits, spec.act_bits - i * spec.dac_bits);  // the top digit is narrower
      codes += std::ldexp(largest[spec.rows.rows(g) * ((1u << bits) - 1)], i * spec.dac_bits);
    }
  return codes * std::max(positive, negative);
}

void check_sram_conv(const SramConvSpec& spec, const int8_t* codes) {
  check_shape(spec.shape);
  check_range("activation bits", spec.act_bits, 1, 8);
  check_range("weight bits", spec.weight_bits, 2, 8);
  check_range("DAC bits", spec.dac_bits, 1, 8);
  check_rows(spec.rows, spec.shape);
  check_range("largest window sum", int64_t{spec.shape.rows()} * ((1 << spec.act_bits) - 1), 1, kMaxSum);
  check_range("largest partial sum", int64_t{spec.rows.largest_group()} * ((1 << spec.dac_bits) - 1), 1,
              kMaxSum);
  check_tables(spec);
  check_codes(spec, codes);
}

}  // namespace sramsim
