// Every inconsistent argument of the SRAM convolution is refused with one line that says what is wrong.
#include <gtest/gtest.h>

#include "kernels/core/error.h"
#include "tests/cases.h"

namespace sramsim {
namespace {

cases::SramCase small_case() {
  cases::SramCase c;
  c.shape = {8, 5, 5, 3, 3, 3, 1, 0};
  c.subarray = 6;
  return c;
}

class SramCheck : public testing::Test {
 protected:
  SramConvSpec spec_ = cases::make_spec(small_case());
  std::vector<int8_t> codes_ = cases::make_operands(small_case()).codes;

  std::string error(const std::string& force = "") const {
    try {
      plan_sram_conv(spec_, codes_.data(), force);
    } catch (const InputError& e) {
      return e.what();
    }
    return "";
  }
  void expect(const std::string& message) const {
    const std::string actual = error();
    EXPECT_EQ(actual, "SRAM convolution: " + message);
    EXPECT_EQ(actual.find('\n'), std::string::npos);
  }
};

TEST_F(SramCheck, AcceptsAConsistentSpec) {
  EXPECT_EQ(error(), "");
}

TEST_F(SramCheck, Shape) {
  spec_.shape.c = 0;
  expect("input channels is 0, must be 1..1048576");
}
TEST_F(SramCheck, Stride) {
  spec_.shape.stride = 0;
  expect("stride is 0, must be 1..1048576");
}
TEST_F(SramCheck, Padding) {
  spec_.shape.padding = -1;
  expect("padding is -1, must be 0..1048576");
}
TEST_F(SramCheck, KernelLargerThanTheImage) {
  spec_.shape.h = 2;
  expect("the 3x3 kernel is larger than the padded 2x5 image");
}
TEST_F(SramCheck, ActivationBits) {
  spec_.act_bits = 9;
  expect("activation bits is 9, must be 1..8");
}
TEST_F(SramCheck, WeightBits) {
  spec_.weight_bits = 1;
  expect("weight bits is 1, must be 2..8");
}
TEST_F(SramCheck, DacBits) {
  spec_.dac_bits = 0;
  expect("DAC bits is 0, must be 1..8");
}
TEST_F(SramCheck, MissingRows) {
  spec_.rows.segments.pop_back();
  spec_.rows.group_begin.pop_back();
  expect("the row plan holds 70 of 72 rows");
}
TEST_F(SramCheck, RowsHeldTwice) {
  spec_.rows.segments[1] = spec_.rows.segments[0];
  expect("the row plan holds channel 0 of position 0 twice");
}
TEST_F(SramCheck, SegmentOutsideTheKernel) {
  spec_.rows.segments[0].position = 9;
  expect("the row plan has a segment outside the kernel");
}
TEST_F(SramCheck, EmptyGroup) {
  spec_.rows.group_begin.push_back(spec_.rows.group_begin.back());
  expect("row group 18 is empty");
}
TEST_F(SramCheck, GroupsThatDoNotSpanTheSegments) {
  spec_.rows.group_begin.back() += 1;
  expect("the row plan's groups do not span its segments");
}
TEST_F(SramCheck, GroupLargerThanTheSubarray) {
  spec_.rows.subarray_rows = 5;
  expect("a row group of 6 rows exceeds the subarray's 5");
}
TEST_F(SramCheck, NoTable) {
  spec_.adcs.clear();
  expect("no ADC table");
}
TEST_F(SramCheck, ShortTable) {
  spec_.adcs[0].code.pop_back();
  expect("an ADC table of 6 entries does not cover partial sums 0..6");
}
TEST_F(SramCheck, Step) {
  spec_.adcs[0].step = 0;
  expect("an ADC step is not a positive number");
  spec_.adcs[0].step = std::numeric_limits<double>::quiet_NaN();
  expect("an ADC step is not a positive number");
}
TEST_F(SramCheck, CodeTooWide) {
  codes_[30] = 8;
  expect("weight code 8 of output channel 0 is outside -8..7 (4 bits)");
  codes_[30] = 0;
  codes_[100] = -9;
  expect("weight code -9 of output channel 1 is outside -8..7 (4 bits)");
}
TEST_F(SramCheck, DifferentialHasNoMostNegativeCode) {
  codes_[0] = -8;
  EXPECT_EQ(error(), "");
  spec_.encoding = Encoding::kDifferential;
  codes_.assign(codes_.size(), 0);
  codes_[200] = -8;
  expect("weight code -8 of output channel 2 is outside -7..7 (4 bits, differential encoding)");
}

// 18 groups, digits 1+2+4+8, negative plane 8 (positive ones 7): a code of 994206 at most keeps 18*15*8*code
// within 2^31-1.
TEST_F(SramCheck, SumsBeyond32Bits) {
  spec_.adcs[0].code.back() = 994205;
  for (uint32_t p = 0; p + 1 < spec_.adcs[0].code.size(); ++p) spec_.adcs[0].code[p] = 0;
  // Only the nine groups of six rows reach the last entry; the two-row groups stop at P = 2.
  spec_.adcs[0].code[2] = 994205;
  EXPECT_EQ(error(), "");
  spec_.adcs[0].code[2] = 994206 + 100;
  spec_.adcs[0].code.back() = 994206 + 100;
  expect("sums can reach 2147700960, more than 32 bits hold (2147483647): use fewer bits, rows or channels");
}

TEST_F(SramCheck, ExtremeButLegalSumsAreExact) {
  cases::SramCase c;
  c.shape = {33000, 1, 1, 1, 1, 1, 1, 0};
  c.act_bits = c.weight_bits = 8;
  c.subarray = 512;
  c.adcs = {{"uniform", 0, {}}};
  c.encoding = Encoding::kTwosComplement;
  spec_ = cases::make_spec(c);
  std::vector<uint8_t> q(33000, 255);
  codes_.assign(33000, -128);
  for (const SramConvVariant& v : sram_conv_variants()) {
    if (!v.refuses(spec_).empty()) continue;
    double s = 0;
    const SramOutput out{.s = &s};
    plan_sram_conv(spec_, codes_.data(), v.name)->run(q.data(), 1, {&out, 1});
    EXPECT_EQ(s, -128.0 * 255 * 33000) << v.name;
  }
}

TEST_F(SramCheck, UnknownVariant) {
  EXPECT_EQ(error("sse9"),
            "SRAM kernel 'sse9' is unknown, choose one of: integer, mixed, by-density, amx, avx512, avx2, "
            "portable, reference");
}
TEST_F(SramCheck, ForcedVariantThatRefuses) {
  spec_.adcs[0].code.back() = 3;
  EXPECT_EQ(error("integer"), "SRAM kernel 'integer' cannot be used: an ADC table is not lossless");
  EXPECT_EQ(error("mixed"), "SRAM kernel 'mixed' cannot be used: no ADC table is lossless");
}

}  // namespace
}  // namespace sramsim
