// The quantisers of design 2.1 against numbers worked out by hand, and the backend's against the definitions.
#include "kernels/core/quantise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/backend/backend.h"
#include "kernels/elementwise/loops.h"
#include "tests/layers/random_data.h"

namespace sramsim {
namespace {

TEST(Quantise, RoundsHalvesToEven) {
  const float in[] = {0.5f, 1.5f, 2.5f, 3.5f, -0.5f, -1.5f, -2.5f, 0.49999997f, 0.50000006f, 254.5f, -127.0f};
  const float out[] = {0, 2, 2, 4, -0.0f, -2, -2, 0, 1, 254, -127};
  for (size_t i = 0; i < std::size(in); ++i) EXPECT_EQ(round_half_even(in[i]), out[i]) << in[i];
  for (float x = -300.0f; x < 300.0f; x += 0.0625f) EXPECT_EQ(round_half_even(x), std::nearbyint(x)) << x;
}

TEST(Quantise, ActivationCodesByHand) {
  // alpha = 15 and 4 bits: scale 1, so x is its own code and halves are ties.
  const float alpha = 15.0f, scale = act_scale_of(alpha, 4);
  EXPECT_EQ(scale, 1.0f);
  const struct {
    float x;
    int code;
  } cases[] = {{-3.0f, 0},  {-0.0f, 0},  {0.0f, 0},   {0.5f, 0},    {1.5f, 2},      {2.5f, 2}, {13.5f, 14},
               {14.5f, 14}, {14.6f, 15}, {15.0f, 15}, {100.0f, 15}, {INFINITY, 15}, {NAN, 0}};
  for (const auto& c : cases) EXPECT_EQ(activation_code(c.x, alpha, scale), c.code) << c.x;
  // One bit: 0 or 1, the tie at alpha/2 goes to the even code.
  EXPECT_EQ(activation_code(1.0f, 2.0f, act_scale_of(2.0f, 1)), 0);
  EXPECT_EQ(activation_code(1.1f, 2.0f, act_scale_of(2.0f, 1)), 1);
}

TEST(Quantise, WeightCodesByHand) {
  // alpha = 7 and 4 bits: n = 7, scale 1.
  const struct {
    float w;
    int code;
  } cases[] = {{0.5f, 0},   {-0.5f, 0}, {1.5f, 2}, {-1.5f, -2}, {2.5f, 2},
               {-2.5f, -2}, {6.5f, 6},  {6.6f, 7}, {9.0f, 7},   {-9.0f, -7}};
  for (const auto& c : cases) EXPECT_EQ(weight_code(c.w, 7.0f, 1.0f), c.code) << c.w;
}

TEST(Quantise, GradientMaskAtItsEdges) {
  EXPECT_FALSE(activation_passes(-0.1f, 2.0f, false));
  EXPECT_TRUE(activation_passes(0.0f, 2.0f, false));
  EXPECT_FALSE(activation_passes(0.0f, 2.0f, true));
  EXPECT_TRUE(activation_passes(2.0f, 2.0f, false));
  EXPECT_TRUE(activation_passes(2.0f, 2.0f, true));
  EXPECT_FALSE(activation_passes(2.1f, 2.0f, true));
}

TEST(Quantise, BackwardOfActivationsByHand) {
  const auto backend = make_cpu_backend();
  const float alpha = 2.0f;
  const std::vector<float> x = {-1.0f, 0.0f, 1.0f, 2.0f, 3.0f};
  std::vector<float> grad = {1, 10, 100, 1000, 10000};
  float dalpha = 5.0f;
  backend->quantise_activations_backward(x.data(), x.size(), &alpha, false, grad.data(), &dalpha);
  EXPECT_EQ(grad, (std::vector<float>{0, 10, 100, 1000, 0}));
  EXPECT_EQ(dalpha, 5.0f + 11000.0f);  // where x >= alpha, both at it and above
  grad = {1, 10, 100, 1000, 10000};
  backend->quantise_activations_backward(x.data(), x.size(), &alpha, true, grad.data(), &dalpha);
  EXPECT_EQ(grad, (std::vector<float>{0, 0, 100, 1000, 0}));
}

TEST(Quantise, WeightTensorByHand) {
  // {-1, 0, 0, 1}: mean 0, unbiased variance 2/3, mean|w| = 1/2.
  const auto backend = make_cpu_backend();
  const std::vector<float> w = {-1, 0, 0, 1};
  std::vector<int8_t> codes(4);
  float scale = 0;
  for (const int bits : {4, 8}) {
    backend->quantise_weights(w.data(), w.size(), bits, codes.data(), &scale);
    const double z0 = bits == 4 ? 0.077 : 0.027, z1 = bits == 4 ? 1.013 : 1.114;
    const double alpha = std::sqrt(2.0 / 3.0) / z0 - z1 / z0 * 0.5;
    const int n = bits == 4 ? 7 : 127;
    EXPECT_NEAR(scale, n / alpha, 1e-5 * n / alpha);
    EXPECT_EQ(codes[3], std::lround(n / alpha)) << bits;
    EXPECT_EQ(codes[0], -codes[3]);
    EXPECT_EQ(codes[1], 0);
  }
}

TEST(Quantise, DegenerateWeightsKeepAUsableScale) {
  const auto backend = make_cpu_backend();
  std::vector<int8_t> codes(8);
  float scale = 0;
  const std::vector<float> zero(8, 0.0f), constant(8, -0.25f);
  backend->quantise_weights(zero.data(), 8, 4, codes.data(), &scale);
  EXPECT_EQ(scale, 7.0f);
  for (const int8_t c : codes) EXPECT_EQ(c, 0);
  backend->quantise_weights(constant.data(), 8, 4, codes.data(), &scale);
  EXPECT_EQ(scale, 28.0f);  // clipped at max|w|
  for (const int8_t c : codes) EXPECT_EQ(c, -7);
}

/// SAWB is meant to be near the clip of least squared error: check every width on Gaussian weights.
TEST(Quantise, SawbIsNearTheBestClip) {
  std::vector<float> w(20000);
  test::Draw draw(3);
  for (float& x : w) {
    x = 0;
    for (int i = 0; i < 12; ++i) x += draw.uniform(-0.5f, 0.5f);
  }
  const auto error = [&](double alpha, int n) {
    double sum = 0;
    for (const float x : w) {
      const double c = std::nearbyint(std::clamp<double>(x, -alpha, alpha) * n / alpha);
      sum += (x - c * alpha / n) * (x - c * alpha / n);
    }
    return sum;
  };
  const auto backend = make_cpu_backend();
  std::vector<int8_t> codes(w.size());
  for (int bits = 2; bits <= 8; ++bits) {
    const int n = (1 << (bits - 1)) - 1;
    float scale = 0;
    backend->quantise_weights(w.data(), w.size(), bits, codes.data(), &scale);
    double best = 1e30;
    for (double alpha = 0.5; alpha < 6; alpha += 0.02) best = std::min(best, error(alpha, n));
    EXPECT_LT(error(n / static_cast<double>(scale), n), 1.35 * best) << bits << " bits";
  }
}

/// Every compiled instruction set gives the bits of the definitions, for lengths around the vector width.
TEST(Quantise, LoopsOfEveryInstructionSetAgree) {
  test::Draw draw(7);
  for (const size_t n : {1u, 15u, 16u, 17u, 63u, 64u, 65u, 1000u}) {
    const auto x = draw.floats(n, -1.0f, 3.0f), g = draw.floats(n, -1.0f, 1.0f);
    const float alpha = 1.7f, scale = act_scale_of(alpha, 4);
    const auto& first = *elementwise_targets().front();
    for (const ElementwiseLoops* loops : elementwise_targets()) {
      SCOPED_TRACE(std::string(loops->name) + ", n = " + std::to_string(n));
      std::vector<uint8_t> q(n);
      std::vector<int8_t> c(n);
      loops->quantise_activations(x.data(), n, alpha, scale, q.data());
      loops->quantise_weights(x.data(), n, alpha, 7 / alpha, c.data());
      for (size_t i = 0; i < n; ++i) {
        ASSERT_EQ(q[i], activation_code(x[i], alpha, scale)) << i;
        ASSERT_EQ(c[i], weight_code(x[i], alpha, 7 / alpha)) << i;
      }
      std::vector<float> ga = g, gb = g;
      EXPECT_EQ(loops->quantise_activations_backward(x.data(), n, alpha, true, ga.data()),
                first.quantise_activations_backward(x.data(), n, alpha, true, gb.data()));
      EXPECT_EQ(ga, gb);
      const WeightSums a = loops->weight_sums(x.data(), n), b = first.weight_sums(x.data(), n);
      EXPECT_EQ(a.sum, b.sum);
      EXPECT_EQ(a.abs_sum, b.abs_sum);
      EXPECT_EQ(a.abs_max, b.abs_max);
      EXPECT_EQ(loops->squared_deviation(x.data(), n, 0.3), first.squared_deviation(x.data(), n, 0.3));
    }
  }
}

}  // namespace
}  // namespace sramsim
