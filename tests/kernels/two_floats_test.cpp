// Products with a factor in two floats against the doubles and divisions that they stand for.
#include "kernels/core/two_floats.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/cases.h"

namespace sramsim {
namespace {

float random_float(cases::Random& random, int lowest, int highest) {
  return static_cast<float>(std::ldexp(1.0 + random.unit(), random.range(lowest, highest)));
}

/// The first x in 1 .. 2 whose quotient differs, or 0.
float first_wrong_quotient(float d) {
  const TwoFloats reciprocal = two_floats(1.0 / d);
  for (uint32_t k = 0; k < (1u << 23); ++k) {
    const float x = std::ldexp(static_cast<float>((1u << 23) + k), -23);
    if (divide<false>(x, d, reciprocal) != x / d) return x;
  }
  return 0.0f;
}

TEST(TwoFloats, GiveQuotientsWhereTheySayThatTheyDo) {
  cases::Random random(11);
  int refused = 0;
  for (int k = 0; k < 2000000; ++k) {
    const float d = random_float(random, -30, 29);
    const float x = (random.range(0, 1) ? -1.0f : 1.0f) * random_float(random, -60, 62);
    const TwoFloats reciprocal = two_floats(1.0 / d);
    ASSERT_EQ(divide<true>(x, d, reciprocal), x / d) << x << " / " << d;
    if (gives_quotients(reciprocal, d))
      ASSERT_EQ(divide<false>(x, d, reciprocal), x / d) << x << " / " << d;
    else
      ++refused;
  }
  EXPECT_LT(refused, 2000000 / 60);
  EXPECT_EQ(times(0.0f, two_floats(1.0 / 3.0)), 0.0f);
}

/// All divisors that quotients below 1 of odd ones alone would let pass.
TEST(TwoFloats, KnowTheWorstDivisors) {
  const float pairs[][2] = {
      {0x1.fcce2cp0f, 0x1.fa75cep0f}, {0x1.fd133cp0f, 0x1.f1e184p0f}, {0x1.fd883ep0f, 0x1.fe17cep0f},
      {0x1.fdaa3cp0f, 0x1.f53facp0f}, {0x1.fe1c5cp0f, 0x1.f2483ap0f}, {0x1.fe449cp0f, 0x1.eb23d2p0f},
      {0x1.fe6cdcp0f, 0x1.fb64bap0f}, {0x1.fecb4cp0f, 0x1.fa4364p0f}, {0x1.ff1f3cp0f, 0x1.f303bep0f}};
  for (const auto& [d, x] : pairs)
    for (float scale : {1.0f, 0x1p-20f, 0x1p25f}) {
      const TwoFloats reciprocal = two_floats(1.0 / (d * scale));
      EXPECT_NE(divide<false>(x, d * scale, reciprocal), x / (d * scale)) << std::hexfloat << d;
      EXPECT_FALSE(gives_quotients(reciprocal, d * scale)) << std::hexfloat << d;
      EXPECT_EQ(divide<true>(x, d * scale, reciprocal), x / (d * scale)) << std::hexfloat << d;
    }
}

TEST(TwoFloats, OfFewDividendsDecideAboutAll) {
  cases::Random random(12);
  int agreed = 0, refused = 0;
  while (agreed < 4 || refused < 2) {
    const float d = random_float(random, -3, 3);
    const bool gives = gives_quotients(two_floats(1.0 / d), d);
    if (gives ? agreed >= 4 : refused >= 2) continue;
    ++(gives ? agreed : refused);
    EXPECT_EQ(first_wrong_quotient(d) == 0.0f, gives) << std::hexfloat << d;
  }
}

TEST(TwoFloats, GiveSumsWhereTheySayThatTheyDo) {
  constexpr int kMost = 1 << 18;
  for (double step : {1.0, 2.0, 128 / 31.0, 64 / 31.0, 16 / 15.0, 0.1, 1e-3, 512 / 255.0}) {
    const TwoFloats factor = two_floats(step);
    if (!gives_sums(factor, step, kMost)) continue;
    for (int n = -kMost; n <= kMost; ++n)
      ASSERT_EQ(times(static_cast<float>(n), factor), static_cast<float>(step * n)) << step << " * " << n;
  }
  EXPECT_TRUE(gives_sums(two_floats(128 / 31.0), 128 / 31.0, kMost));
  EXPECT_TRUE(gives_sums(two_floats(1.0), 1.0, int64_t{1} << 31));
  EXPECT_FALSE(gives_sums(two_floats(0.1), 0.1, kMost + 1));       // too many to try
  EXPECT_FALSE(gives_sums({4.129032f, 0.0f}, 128 / 31.0, kMost));  // half of the factor
}

}  // namespace
}  // namespace sramsim
