// The operations that the GPU runs element by element, run here in a loop: the same source must give the bits
// of the CPU backend.
#include "kernels/elementwise/elements.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/backend/backend.h"
#include "kernels/loss/loss_elements.h"
#include "kernels/pool/pool_elements.h"
#include "kernels/sram_conv/sram_pack_cuda.h"
#include "kernels/sram_conv/sram_repack.h"
#include "tests/layers/random_data.h"

namespace sramsim {
namespace {

/// Backwards, since a device has no order.
template <typename Op>
void run(const Op& op) {
  for (size_t call = op.calls(); call-- > 0;) op(call);
}

class Elements : public testing::Test {
 protected:
  std::unique_ptr<Backend> cpu_ = make_cpu_backend(1);
  test::Draw draw_{21};
};

constexpr size_t kCounts[] = {1, 3, 4, 5, 1000, 1003};

TEST_F(Elements, BytesToUnit) {
  for (const size_t n : kCounts) {
    const auto bytes = draw_.activation_codes(n, 255);
    std::vector<float> got(n), want(n);
    run(elements::BytesToUnit{bytes.data(), n, got.data()});
    cpu_->bytes_to_unit(bytes.data(), n, want.data());
    EXPECT_EQ(got, want);
  }
}

TEST_F(Elements, QuantisersAndTheirInverses) {
  for (const size_t n : kCounts)
    for (const int bits : {1, 4, 8}) {
      const auto x = draw_.floats(n, -1, 3);
      const float alpha = 1.7f, scale = act_scale_of(alpha, bits);
      std::vector<uint8_t> got(n), want(n);
      run(elements::QuantiseActivations{x.data(), n, &alpha, bits, got.data()});
      cpu_->quantise_activations(x.data(), n, &alpha, bits, want.data());
      EXPECT_EQ(got, want);
      std::vector<float> real(n);
      run(elements::RealActivations{got.data(), n, &alpha, bits, real.data()});
      for (size_t i = 0; i < n; ++i) ASSERT_EQ(real[i], static_cast<float>(got[i]) / scale);

      const float clip[2] = {0.9f, 7.0f / 0.9f};
      std::vector<int8_t> codes(n);
      run(elements::QuantiseWeights{x.data(), n, clip, codes.data()});
      run(elements::RealWeights{codes.data(), n, clip + 1, real.data()});
      for (size_t i = 0; i < n; ++i) {
        ASSERT_EQ(codes[i], weight_code(x[i], clip[0], clip[1]));
        ASSERT_EQ(real[i], static_cast<float>(codes[i]) / clip[1]);
      }
    }
}

TEST_F(Elements, ScaledSumsAreLayerOutputs) {
  for (const int o : {1, 3, 8, 130})
    for (const bool relu : {false, true})
      for (const bool with_bias : {false, true}) {
        const size_t n = 7 * static_cast<size_t>(o);
        std::vector<float> y(n), want(n);
        const auto bias = draw_.floats(static_cast<size_t>(o), -1, 1);
        const float alpha = 1.3f, weight_scale = 31.7f;
        for (size_t i = 0; i < n; ++i) {
          y[i] = static_cast<float>(draw_.range(-(1 << 30), 1 << 30));  // beyond 2^24: rounded once already
          want[i] = layer_output(static_cast<double>(y[i]), act_scale_of(alpha, 4), weight_scale,
                                 with_bias ? bias[i % static_cast<size_t>(o)] : 0.0f, relu);
        }
        run(elements::ScaleSums{n, o, &alpha, 4, &weight_scale, with_bias ? bias.data() : nullptr, relu,
                                y.data()});
        EXPECT_EQ(y, want);
      }
}

TEST_F(Elements, ReluAndItsMask) {
  for (const size_t n : kCounts) {
    const auto x = draw_.floats(n, -1, 1), g = draw_.floats(n, -1, 1);
    std::vector<float> got(n), want(n), got_g = g, want_g = g;
    run(elements::Relu{x.data(), n, got.data()});
    cpu_->relu_forward(x.data(), n, want.data());
    EXPECT_EQ(got, want);
    run(elements::ReluBackward{got.data(), n, got_g.data()});
    cpu_->relu_backward(want.data(), n, want_g.data());
    EXPECT_EQ(got_g, want_g);
  }
}

TEST_F(Elements, DropoutTakesItsStepFromMemory) {
  for (const size_t n : kCounts) {
    const auto x = draw_.floats(n, 1, 2);
    const uint64_t step = 7;
    std::vector<float> got(n), want(n), by_key(n);
    run(elements::Dropout{x.data(), n, dropout_threshold(0.25f), 1.0f / 0.75f, {1, 2, 3}, &step, got.data()});
    cpu_->dropout(x.data(), n, 0.25f, {1, 2, 3}, &step, want.data());
    cpu_->dropout(x.data(), n, 0.25f, {1, 2, 10}, nullptr, by_key.data());
    EXPECT_EQ(got, want);
    EXPECT_EQ(got, by_key);
  }
}

TEST_F(Elements, Sgd) {
  const size_t n = 1003;
  const auto w = draw_.floats(n, -1, 1), g = draw_.floats(n, -1, 1), m = draw_.floats(n, -1, 1);
  auto got_w = w, got_m = m, want_w = w, want_m = m;
  run(elements::Sgd{got_w.data(), g.data(), got_m.data(), n, 0.1f, 0.9f, 0.01f});
  cpu_->sgd_step(want_w.data(), g.data(), want_m.data(), n, 0.1f, 0.9f, 0.01f);
  EXPECT_EQ(got_w, want_w);
  EXPECT_EQ(got_m, want_m);
}

TEST_F(Elements, GatheredBatch) {
  const size_t pixels = 6;
  const auto images = draw_.activation_codes(5 * pixels, 255);
  const std::vector<uint8_t> labels = {0, 1, 2, 3, 4};
  const std::vector<int32_t> order = {4, 0, 3, 1, 2};
  std::vector<uint8_t> got(3 * pixels), want(3 * pixels), got_labels(3), want_labels(3);
  run(elements::GatherImages{images.data(), labels.data(), order.data(), 1, 3, pixels, got.data(),
                             got_labels.data()});
  cpu_->gather_batch(images.data(), labels.data(), order.data(), 1, 3, pixels, want.data(),
                     want_labels.data());
  EXPECT_EQ(got, want);
  EXPECT_EQ(got_labels, want_labels);
  EXPECT_EQ(got_labels, (std::vector<uint8_t>{0, 3, 1}));
}

TEST_F(Elements, PoolsAndFlatten) {
  for (const elements::Windows& s :
       {elements::Windows{1, 4, 4, 1, 2}, elements::Windows{2, 7, 9, 3, 2},
        elements::Windows{2, 12, 12, 17, 4}, elements::Windows{1, 5, 5, 30, 5}}) {
    SCOPED_TRACE(testing::Message() << s.n << " " << s.h << " " << s.w << " " << s.c << " " << s.size);
    auto x = draw_.floats(s.inputs(), -1, 1);
    for (size_t i = 0; i < x.size(); i += 3) x[i] = 0.25f;  // ties
    const auto dy = draw_.floats(s.outputs(), -1, 1);
    std::vector<float> got(s.outputs()), want(s.outputs()), dx(s.inputs(), 9.0f), want_dx(s.inputs(), 8.0f);
    run(elements::AvgPool{s, x.data(), got.data()});
    cpu_->avg_pool_forward(x.data(), s.n, s.h, s.w, s.c, s.size, want.data());
    EXPECT_EQ(got, want);
    run(elements::MaxPool{s, x.data(), got.data()});
    cpu_->max_pool_forward(x.data(), s.n, s.h, s.w, s.c, s.size, want.data());
    EXPECT_EQ(got, want);
    for (const float* relu_y : {static_cast<const float*>(nullptr), static_cast<const float*>(x.data())}) {
      run(elements::AvgPoolBackward{s, dy.data(), relu_y, dx.data()});
      cpu_->avg_pool_backward(dy.data(), relu_y, s.n, s.h, s.w, s.c, s.size, want_dx.data());
      EXPECT_EQ(dx, want_dx);
    }
    run(elements::MaxPoolBackward{s, x.data(), dy.data(), dx.data()});
    cpu_->max_pool_backward(x.data(), dy.data(), s.n, s.h, s.w, s.c, s.size, want_dx.data());
    EXPECT_EQ(dx, want_dx);
    run(elements::TransposeImages{x.data(), s.n, int64_t{s.h} * s.w, s.c, dx.data()});
    cpu_->flatten_forward(x.data(), s.n, s.h, s.w, s.c, want_dx.data());
    EXPECT_EQ(dx, want_dx);
    run(elements::TransposeImages{x.data(), s.n, s.c, int64_t{s.h} * s.w, dx.data()});
    cpu_->flatten_backward(x.data(), s.n, s.h, s.w, s.c, want_dx.data());
    EXPECT_EQ(dx, want_dx);
  }
}

template <bool kMse>
void expect_loss(Backend& cpu, test::Draw& draw, bool with_gradient) {
  const int n = 37, classes = 10;
  auto z = draw.floats(n * classes, -3, 3);
  z[4] = z[7] = 5.0f;  // the first of equals
  std::vector<uint8_t> labels(n);
  for (uint8_t& label : labels) label = static_cast<uint8_t>(draw.range(0, classes - 1));
  labels[0] = 4;
  std::vector<float> got(z.size()), want(z.size());
  std::vector<elements::LossRow> rows(n);
  float loss[2] = {0.5f, 0.5f};
  int32_t correct[2] = {3, 3};
  float* const d[2] = {with_gradient ? got.data() : nullptr, with_gradient ? want.data() : nullptr};
  run(elements::LossRows<kMse>{z.data(), labels.data(), n, classes, d[0], rows.data()});
  run(elements::AddLossRows{rows.data(), n, kMse ? static_cast<double>(n) * classes : n, &loss[0],
                            &correct[0]});
  if (kMse)
    cpu.mse_one_hot(z.data(), labels.data(), n, classes, &loss[1], d[1], &correct[1]);
  else
    cpu.softmax_cross_entropy(z.data(), labels.data(), n, classes, &loss[1], d[1], &correct[1]);
  EXPECT_EQ(loss[0], loss[1]);
  EXPECT_EQ(correct[0], correct[1]);
  EXPECT_EQ(got, want);
}

TEST_F(Elements, Losses) {
  for (const bool with_gradient : {false, true}) {
    expect_loss<false>(*cpu_, draw_, with_gradient);
    expect_loss<true>(*cpu_, draw_, with_gradient);
  }
}

TEST_F(Elements, WeightCodesArePackedAsTheHostPacksThem) {
  for (const int o : {1, 10, 33, 130})
    for (const int c : {1, 15, 16, 17, 40})
      for (const int tile_o : {32, 64, 128}) {
        const ConvShape shape{.c = c, .h = 4, .w = 4, .o = o, .kh = 2, .kw = 3};
        const auto codes = draw_.weight_codes(static_cast<size_t>(shape.weights()), 127);
        const auto want = cuda::pack_weight_codes(shape, codes.data(), tile_o);
        std::vector<Unit> got(want.size(), Unit{{~0u, ~0u, ~0u, ~0u}});
        const elements::PackWeightCodes pack{codes.data(),        o,         shape.positions(), c, tile_o,
                                             cuda::code_units(c), got.data()};
        ASSERT_EQ(pack.calls(), want.size());
        run(pack);
        for (size_t i = 0; i < want.size(); ++i)
          ASSERT_TRUE(std::equal(got[i].word, got[i].word + 4, want[i].word))
              << i << ", O " << o << ", C " << c;
      }
}

}  // namespace
}  // namespace sramsim
