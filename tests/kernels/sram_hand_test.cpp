// Every variant on layers small enough to be worked out on paper; the numbers are derived in the comments.
#include <gtest/gtest.h>

#include "tests/kernels/sram_run.h"

namespace sramsim {
namespace {

using Kind = AdcRange::Kind;

constexpr Encoding kTwos = Encoding::kTwosComplement;

/// Four channels on a 1x1 image; A = 2, B = 3.
///   q = 1 2 3 0: digit 0 drives rows 0 and 2, digit 1 rows 1 and 2
///   c = 1 -2 3 -3
void expect_sum(double expected, Encoding encoding, const AdcSettings& adc, int subarray = 4,
                int dac_bits = 1, const std::vector<uint8_t>& q = {1, 2, 3, 0}) {
  const ArraySettings settings{subarray, "shape-wise", encoding, dac_bits, adc};
  const SramConvSpec spec = make_sram_spec({4, 1, 1, 1, 1, 1, 1, 0}, 2, 3, settings);
  const cases::Operands operands{q, {1, -2, 3, -3}};
  for (const SramConvVariant& v : sram_conv_variants())
    if (v.refuses(spec).empty()) {
      EXPECT_EQ(run_sums(spec, operands, 1, v.name)[0][0], expected) << v.name;
    }
}

TEST(SramByHand, IdealIsTheInnerProduct) {
  for (Encoding e : {Encoding::kTwosComplement, Encoding::kDifferential, Encoding::kOffset})
    for (int dac_bits : {1, 2})
      for (int subarray : {1, 2, 3, 4})
        expect_sum(1 * 1 - 2 * 2 + 3 * 3, e, {"uniform", 0, {}}, subarray, dac_bits);
}

// Planes 001 110 011 101 -> j0 1011, j1 0110, j2 0101 (rows 0..3).
// digit 0: P = 2 1 0 -> codes 1 1 0 -> 1 + 2 = 3; digit 1: P = 1 2 1 -> 1 1 1 -> 1 + 2 - 4 = -1, twice.
TEST(SramByHand, TwosComplementSaturating) {
  expect_sum(3 - 2, Encoding::kTwosComplement, {"saturating", 1, {}});
}

// Positive part 1 0 3 0 -> j0 1010, j1 0010; negative part 0 2 0 3 -> j0 0001, j1 0101.
// digit 0: codes + 1 1, - 0 0 -> 3; digit 1: + 1 1, - 0 1 -> 3 - 2 = 1, twice.
TEST(SramByHand, DifferentialSaturating) {
  expect_sum(3 + 2, Encoding::kDifferential, {"saturating", 1, {}});
}

// c + 4 = 5 2 7 1 -> j0 1011, j1 0110, j2 1010. digit 0: P = 2 1 2 -> 1 1 1 -> 7; digit 1: 1 2 1 -> 7, twice;
// minus 4 * sum(q) = 24.
TEST(SramByHand, OffsetSaturating) {
  expect_sum(7 + 14 - 24, Encoding::kOffset, {"saturating", 1, {}});
}

// F = 4, L = 1, D = 4: P = 2 is a tie and rounds up. digit 0: P = 2 1 0 -> 1 0 0 -> 1; digit 1: 1 2 1 -> 0 1
// 0 -> 2, twice.
TEST(SramByHand, UniformTieRoundsUp) {
  expect_sum(4 * (1 + 2 * 2), kTwos, {"uniform", 1, {}});
}

// R = 3 leaves row 3 alone in a second group. F stays that of the largest group: D = 3, so its P = 1 gives 0,
// and 2 in the first group gives 1. First group: digit 0 P = 2 1 0 -> 1 0 0 -> 1; digit 1: 1 2 1 -> 0 1 0 ->
// 2, twice.
TEST(SramByHand, RaggedGroupSharesTheFullScale) {
  expect_sum(3 * (1 + 2 * 2), kTwos, {"uniform", 1, {}}, 3, 1, {1, 2, 3, 1});
}

// R = 3 and F = 1, saturating per group: first group as above with min(P,1): 3 and -1 twice; second group, q
// = 1: digit 0 only, planes 1 0 1 -> 1 - 4 = -3.
TEST(SramByHand, RaggedGroupsConvertSeparately) {
  expect_sum(3 - 2 - 3, kTwos, {"uniform", 1, {Kind::kNumber, 1}}, 3, 1, {1, 2, 3, 1});
}

// d = 2: one digit, P = 1+3 = 4, 2+3 = 5, 2 -> min(P,3): 3 3 2 -> 3 + 6 - 8.
TEST(SramByHand, TwoBitDigits) {
  expect_sum(3 + 6 - 8, kTwos, {"saturating", 2, {}}, 4, 2);
}

// d = 3 > A: one digit, R = 4 rows of up to 7: F = 28, L = 3, code = floor((6P + 28)/56): 4 -> 0, 5 -> 1, 2
// -> 0.
TEST(SramByHand, DigitsWiderThanTheActivation) {
  expect_sum(28.0 / 3.0 * 2, kTwos, {"uniform", 2, {}}, 4, 3);
}

/// Scaled outputs: one channel, weight 3, S = 3 q.
TEST(SramByHand, ScaledOutputWithBiasAndRelu) {
  const SramConvSpec spec = make_sram_spec({1, 1, 2, 2, 1, 1, 1, 0}, 2, 3, ArraySettings{});
  const cases::Operands operands{{1, 3}, {3, -3}};
  const float bias[] = {0.5f, 0.25f};
  for (const SramConvVariant& v : sram_conv_variants()) {
    if (!v.refuses(spec).empty()) continue;
    const auto plan = plan_sram_conv(spec, operands.codes.data(), v.name);
    for (bool relu : {false, true}) {
      std::vector<float> y(4, -100.0f);
      const SramOutput out{.y = y.data(),
                           .act_scale = 2.0f,
                           .weight_scale = 0.5f,
                           .bias = relu ? nullptr : bias,
                           .relu = relu};
      plan->run(operands.q.data(), 1, {&out, 1});
      const auto expected =
          relu ? std::vector<float>{3, 0, 9, 0} : std::vector<float>{3.5f, -2.75f, 9.5f, -8.75f};
      EXPECT_EQ(y, expected) << v.name;
    }
  }
}

}  // namespace
}  // namespace sramsim
