// The remaining loops of the CPU backend: every instruction set against plain scalar code.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "kernels/backend/backend.h"
#include "kernels/elementwise/loops.h"
#include "kernels/sram_conv/sram_conv.h"
#include "tests/layers/random_data.h"

namespace sramsim {
namespace {

class EachSet : public testing::TestWithParam<const ElementwiseLoops*> {
 protected:
  const ElementwiseLoops& loops_ = *GetParam();
  test::Draw draw_{11};
};

INSTANTIATE_TEST_SUITE_P(Elementwise, EachSet,
                         testing::ValuesIn(elementwise_targets().begin(), elementwise_targets().end()),
                         [](const auto& p) { return std::string(p.param->name); });

TEST_P(EachSet, BytesToUnitDividesBy255) {
  std::vector<uint8_t> bytes(256);
  for (int i = 0; i < 256; ++i) bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(i);
  std::vector<float> x(256);
  loops_.bytes_to_unit(bytes.data(), 256, x.data());
  for (int i = 0; i < 256; ++i) EXPECT_EQ(x[static_cast<size_t>(i)], static_cast<float>(i) / 255.0f);
}

TEST_P(EachSet, ScalesSumsAsLayerOutputDoes) {
  // Quotients by reciprocals; by one that would round wrongly (two_floats_test.cpp); beyond their range.
  const OutputScale scales[] = {output_scale(1.5f, 12.7f), output_scale(0x1.fcce2cp0f, 1.5f),
                                output_scale(1.5f, 1e-12f)};
  ASSERT_TRUE(scales[0].exact && !scales[1].exact && scales[1].normal && !scales[2].normal);
  for (const OutputScale& scale : scales)
    for (const int o : {1, 7, 16, 130, 600})
      for (const bool relu : {false, true})
        for (const bool with_bias : {false, true}) {
          const size_t pixels = 5, count = pixels * static_cast<size_t>(o);
          std::vector<int32_t> acc(count);
          for (int32_t& a : acc) a = draw_.range(-(1 << 23), 1 << 23);
          acc[0] = 0x1fa75ce >> 1;  // the dividend that the second scale gets wrong
          const auto bias = draw_.floats(static_cast<size_t>(o), -1, 1);
          const float* b = with_bias ? bias.data() : nullptr;
          std::vector<float> y(count);
          loops_.scale_int(acc.data(), pixels, o, scale, b, relu, y.data());
          for (size_t i = 0; i < count; ++i) {
            const float want =
                layer_output(acc[i], scale.act, scale.weight, b ? b[i % static_cast<size_t>(o)] : 0.0f, relu);
            ASSERT_EQ(y[i], want) << i << " of " << o << " channels";
          }
        }
}

TEST_P(EachSet, Bf16RoundsToNearestEven) {
  // 1 + 2^-8 is halfway between 1 and 1 + 2^-7: to the even 1; 1 + 3*2^-8 goes up to 1 + 2^-6.
  const std::vector<float> x = {1.0f, 1.00390625f, 1.01171875f, -1.00390625f, 1.00390637f, 0.0f, INFINITY};
  const std::vector<float> want = {1.0f, 1.0f, 1.015625f, -1.0f, 1.0078125f, 0.0f, INFINITY};
  std::vector<uint16_t> y(x.size());
  loops_.to_bf16(x.data(), x.size(), 1.0f, y.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const auto back = std::bit_cast<float>(static_cast<uint32_t>(y[i]) << 16);
    EXPECT_EQ(back, want[i]) << x[i];
  }
  const float nan = NAN;
  loops_.to_bf16(&nan, 1, 1.0f, y.data());
  EXPECT_TRUE(std::isnan(std::bit_cast<float>(static_cast<uint32_t>(y[0]) << 16)));
}

TEST_P(EachSet, CodesAreExactInBf16) {
  std::vector<uint8_t> q(256);
  for (int i = 0; i < 256; ++i) q[static_cast<size_t>(i)] = static_cast<uint8_t>(i);
  std::vector<uint16_t> y(256);
  std::vector<float> f(256);
  loops_.codes_to_bf16(q.data(), 256, y.data());
  loops_.codes_to_float(q.data(), 256, f.data());
  for (size_t i = 0; i < 256; ++i) {
    EXPECT_EQ(std::bit_cast<float>(static_cast<uint32_t>(y[i]) << 16), static_cast<float>(i));
    EXPECT_EQ(f[i], static_cast<float>(i));
  }
}

TEST_P(EachSet, SgdIsPyTorchs) {
  for (const size_t n : {1u, 17u, 100u}) {
    auto w = draw_.floats(n, -1, 1), g = draw_.floats(n, -1, 1), m = draw_.floats(n, -1, 1);
    auto want_w = w, want_m = m;
    for (size_t i = 0; i < n; ++i) {
      const float d = g[i] + 0.01f * want_w[i];
      want_m[i] = 0.9f * want_m[i] + d;
      want_w[i] = want_w[i] - 0.1f * want_m[i];
    }
    loops_.sgd(w.data(), g.data(), m.data(), n, 0.1f, 0.9f, 0.01f);
    EXPECT_EQ(w, want_w);
    EXPECT_EQ(m, want_m);
  }
}

TEST_P(EachSet, DropoutFollowsPhilox) {
  const RandomKey key{5, 6, 7};
  const auto threshold = static_cast<uint64_t>(0.25 * 4294967296.0);
  const size_t n = 1003, first = 16;
  const auto x = draw_.floats(n, 1, 2);
  std::vector<float> y(n);
  loops_.dropout(x.data(), first, n, threshold, 4.0f / 3.0f, key, y.data());
  size_t dropped = 0;
  for (size_t i = 0; i < n; ++i) {
    const bool keep = philox_word(key, first + i) >= threshold;
    ASSERT_EQ(y[i], keep ? x[i] * (4.0f / 3.0f) : 0.0f) << i;
    dropped += !keep;
  }
  EXPECT_NEAR(static_cast<double>(dropped) / n, 0.25, 0.05);
}

TEST(Backend, DropoutDoesNotDependOnThreadsAndIsItsOwnBackwardPass) {
  const size_t n = 100001;
  const std::vector<float> x(n, 1.0f);
  std::vector<float> one(n), two(n);
  make_cpu_backend(1)->dropout(x.data(), n, 0.5f, {1, 2, 3}, nullptr, one.data());
  make_cpu_backend(2)->dropout(x.data(), n, 0.5f, {1, 2, 3}, nullptr, two.data());
  EXPECT_EQ(one, two);
  double sum = 0;
  for (const float v : one) sum += v;
  EXPECT_NEAR(sum / n, 1.0, 0.02);
}

TEST(Backend, ReductionsDoNotDependOnThreads) {
  const size_t n = 300007;
  test::Draw draw(2);
  const auto x = draw.floats(n, -1, 3), g = draw.floats(n, -1, 1);
  const float alpha = 1.5f;
  float dalpha[2] = {0, 0}, scale[2];
  std::vector<int8_t> codes[2];
  for (const int threads : {1, 2}) {
    const auto backend = make_cpu_backend(threads);
    auto grad = g;
    backend->quantise_activations_backward(x.data(), n, &alpha, true, grad.data(), &dalpha[threads - 1]);
    codes[threads - 1].resize(n);
    backend->quantise_weights(x.data(), n, 4, codes[threads - 1].data(), &scale[threads - 1]);
  }
  EXPECT_EQ(dalpha[0], dalpha[1]);
  EXPECT_EQ(scale[0], scale[1]);
  EXPECT_EQ(codes[0], codes[1]);
}

// --- pooling and flatten
// -----------------------------------------------------------------------------------------

struct PoolCase {
  int n, h, w, c, size;
};
constexpr PoolCase kPools[] = {{1, 4, 4, 1, 2}, {2, 7, 9, 3, 2}, {2, 24, 24, 17, 4}, {1, 5, 5, 300, 5}};

size_t at(const PoolCase& p, int i, int y, int x, int c) {
  return ((static_cast<size_t>(i) * p.h + y) * p.w + x) * p.c + c;
}

TEST(Backend, PoolsAndTheirGradients) {
  const auto backend = make_cpu_backend();
  test::Draw draw(4);
  for (const PoolCase& p : kPools) {
    SCOPED_TRACE(testing::Message() << p.n << " " << p.h << " " << p.w << " " << p.c << " " << p.size);
    const int oh = p.h / p.size, ow = p.w / p.size;
    const size_t in = static_cast<size_t>(p.n) * p.h * p.w * p.c,
                 out = static_cast<size_t>(p.n) * oh * ow * p.c;
    const auto x = draw.floats(in, -1, 1), dy = draw.floats(out, -1, 1);
    std::vector<float> avg(out), most(out), d_avg(in, 9.0f), d_masked(in, 9.0f), d_max(in, 9.0f);
    backend->avg_pool_forward(x.data(), p.n, p.h, p.w, p.c, p.size, avg.data());
    backend->max_pool_forward(x.data(), p.n, p.h, p.w, p.c, p.size, most.data());
    backend->avg_pool_backward(dy.data(), nullptr, p.n, p.h, p.w, p.c, p.size, d_avg.data());
    backend->avg_pool_backward(dy.data(), x.data(), p.n, p.h, p.w, p.c, p.size, d_masked.data());
    backend->max_pool_backward(x.data(), dy.data(), p.n, p.h, p.w, p.c, p.size, d_max.data());
    std::vector<float> want_avg(in, 0.0f), want_max(in, 0.0f);
    size_t o = 0;
    for (int i = 0; i < p.n; ++i)
      for (int y = 0; y < oh; ++y)
        for (int xx = 0; xx < ow; ++xx)
          for (int c = 0; c < p.c; ++c, ++o) {
            float sum = 0;
            size_t best = at(p, i, y * p.size, xx * p.size, c);
            for (int a = 0; a < p.size; ++a)
              for (int b = 0; b < p.size; ++b) {
                const size_t k = at(p, i, y * p.size + a, xx * p.size + b, c);
                sum += x[k];
                if (x[k] > x[best]) best = k;
                want_avg[k] = dy[o] / static_cast<float>(p.size * p.size);
              }
            want_max[best] = dy[o];
            ASSERT_EQ(avg[o], sum / static_cast<float>(p.size * p.size)) << o;
            ASSERT_EQ(most[o], x[best]) << o;
          }
    EXPECT_EQ(d_avg, want_avg);
    EXPECT_EQ(d_max, want_max);
    for (size_t k = 0; k < in; ++k) ASSERT_EQ(d_masked[k], x[k] > 0 ? want_avg[k] : 0.0f) << k;
  }
}

TEST(Backend, FlattenFollowsPyTorchsOrder) {
  const auto backend = make_cpu_backend();
  std::vector<float> x(2 * 2 * 3 * 4), y(x.size()), back(x.size());
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  backend->flatten_forward(x.data(), 2, 2, 3, 4, y.data());
  EXPECT_EQ(y[0], 0.0f);
  EXPECT_EQ(y[1], 4.0f);          // next pixel of channel 0
  EXPECT_EQ(y[6], 1.0f);          // channel 1 starts after 2*3 pixels
  EXPECT_EQ(y[24 + 5], 24 + 20);  // second image
  backend->flatten_backward(y.data(), 2, 2, 3, 4, back.data());
  EXPECT_EQ(back, x);
}

// --- losses
// --------------------------------------------------------------------------------------------------------

TEST(Loss, CrossEntropyByHand) {
  const auto backend = make_cpu_backend();
  const std::vector<float> z = {0, 0,    0,
                                0, 1000, 0};  // uniform; then certain, and exp(1000) must not overflow
  const std::vector<uint8_t> labels = {2, 1};
  std::vector<float> d(6);
  float loss = 1.0f;
  int32_t correct = 3;
  backend->softmax_cross_entropy(z.data(), labels.data(), 2, 3, &loss, d.data(), &correct);
  EXPECT_FLOAT_EQ(loss, 1.0f + std::log(3.0f) / 2);
  EXPECT_EQ(correct, 3 + 1);  // a tie goes to the first class, which is not the label
  EXPECT_NEAR(d[0], 1.0 / 6, 1e-7);
  EXPECT_NEAR(d[2], (1.0 / 3 - 1) / 2, 1e-7);
  EXPECT_EQ(d[4], 0.0f);
}

TEST(Loss, GradientsMatchFiniteDifferences) {
  const auto backend = make_cpu_backend();
  test::Draw draw(8);
  const int n = 3, classes = 4;
  auto z = draw.floats(n * classes, -2, 2);
  const std::vector<uint8_t> labels = {3, 0, 2};
  for (const bool mse : {false, true}) {
    const auto value = [&](const std::vector<float>& logits, float* d) {
      float loss = 0;
      int32_t correct = 0;
      if (mse)
        backend->mse_one_hot(logits.data(), labels.data(), n, classes, &loss, d, &correct);
      else
        backend->softmax_cross_entropy(logits.data(), labels.data(), n, classes, &loss, d, &correct);
      return static_cast<double>(loss);
    };
    std::vector<float> d(z.size());
    value(z, d.data());
    for (size_t i = 0; i < z.size(); ++i) {
      auto up = z, down = z;
      up[i] += 0.01f;
      down[i] -= 0.01f;
      EXPECT_NEAR(d[i], (value(up, nullptr) - value(down, nullptr)) / 0.02, 2e-5) << i;
    }
  }
}

}  // namespace
}  // namespace sramsim
