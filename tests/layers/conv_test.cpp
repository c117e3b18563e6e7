// The integer convolution and its backward pass against loops written from their definitions.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <thread>

#include "kernels/backend/backend.h"
#include "kernels/conv_backward/conv_backward.h"
#include "kernels/core/error.h"
#include "kernels/core/scratch_bytes.h"
#include "kernels/int_conv/direct.h"
#include "kernels/int_conv/int_conv.h"
#include "kernels/int_conv/nonzero_plan.h"
#include "kernels/int_conv/onednn_int_conv.h"
#include "kernels/onednn/onednn.h"
#include "tests/layers/random_data.h"

namespace sramsim {
namespace {

struct ConvCase {
  ConvShape shape;
  int n, act_bits, weight_bits;
};

const ConvCase kCases[] = {
    {{.c = 1, .h = 28, .w = 28, .o = 128, .kh = 3, .kw = 3}, 3, 4, 4},  // conv1
    {{.c = 128, .h = 9, .w = 9, .o = 128, .kh = 3, .kw = 3}, 2, 4, 4},  // conv2, a smaller image
    {{.c = 300, .h = 1, .w = 1, .o = 10}, 5, 4, 4},                     // linear
    {{.c = 16, .h = 8, .w = 7, .o = 24, .kh = 3, .kw = 3, .stride = 2, .padding = 1}, 2, 8, 8},
    {{.c = 5, .h = 9, .w = 8, .o = 7, .kh = 4, .kw = 4, .stride = 3}, 3, 1, 2},  // rows and columns left over
    {{.c = 40, .h = 5, .w = 5, .o = 33, .kh = 5, .kw = 5, .padding = 2}, 1, 8, 8},
    {{.c = 2, .h = 6, .w = 6, .o = 3, .kh = 3, .kw = 3, .padding = 1}, 4, 3, 5},
};

std::string print(const ConvCase& k) {
  const ConvShape& s = k.shape;
  return "c " + std::to_string(s.c) + " h " + std::to_string(s.h) + " w " + std::to_string(s.w) + " o " +
         std::to_string(s.o) + " k " + std::to_string(s.kh) + " stride " + std::to_string(s.stride) +
         " padding " + std::to_string(s.padding) + " n " + std::to_string(k.n);
}

/// f(output element, input element, weight element) for every product of the convolution.
template <typename F>
void for_products(const ConvShape& s, int n, F&& f) {
  for (int i = 0; i < n; ++i)
    for (int oh = 0; oh < s.out_h(); ++oh)
      for (int ow = 0; ow < s.out_w(); ++ow)
        for (int o = 0; o < s.o; ++o)
          for (int kh = 0; kh < s.kh; ++kh)
            for (int kw = 0; kw < s.kw; ++kw) {
              const int ih = oh * s.stride - s.padding + kh, iw = ow * s.stride - s.padding + kw;
              if (ih < 0 || ih >= s.h || iw < 0 || iw >= s.w) continue;
              for (int c = 0; c < s.c; ++c)
                f(((size_t(i) * s.out_h() + oh) * s.out_w() + ow) * s.o + o,
                  ((size_t(i) * s.h + ih) * s.w + iw) * s.c + c,
                  ((size_t(o) * s.kh + kh) * s.kw + kw) * s.c + c);
            }
}

struct Operands {
  explicit Operands(const ConvCase& k)
      : q(test::Draw(1).activation_codes(size_t(k.n) * k.shape.inputs(), (1 << k.act_bits) - 1)),
        codes(test::Draw(2).weight_codes(k.shape.weights(), (1 << (k.weight_bits - 1)) - 1)) {}
  std::vector<uint8_t> q;
  std::vector<int8_t> codes;
};

std::vector<int64_t> naive_sums(const ConvCase& k, const Operands& x) {
  std::vector<int64_t> s(size_t(k.n) * k.shape.outputs());
  for_products(k.shape, k.n,
               [&](size_t out, size_t in, size_t w) { s[out] += int{x.q[in]} * int{x.codes[w]}; });
  return s;
}

TEST(IntConv, SumsAndOutputsAreExact) {
  for (const ConvCase& k : kCases) {
    SCOPED_TRACE(print(k));
    const Operands x(k);
    const auto want = naive_sums(k, x);
    const auto plan = plan_int_conv(k.shape, (1 << k.act_bits) - 1, x.codes.data());
    std::vector<double> s(want.size());
    SramOutput raw;
    raw.s = s.data();
    plan->run(x.q.data(), k.n, raw);
    for (size_t i = 0; i < want.size(); ++i) ASSERT_EQ(s[i], static_cast<double>(want[i])) << i;

    const auto bias = test::Draw(3).floats(k.shape.o, -1, 1);
    std::vector<float> y(want.size());
    SramOutput scaled;
    scaled.y = y.data();
    scaled.act_scale = 1.7f;
    scaled.weight_scale = 23.1f;
    scaled.bias = bias.data();
    scaled.relu = true;
    plan->run(x.q.data(), k.n, scaled);
    for (size_t i = 0; i < want.size(); ++i)
      ASSERT_EQ(y[i], layer_output(static_cast<double>(want[i]), 1.7f, 23.1f, bias[i % k.shape.o], true))
          << i;
    // The first image alone gives the same bits: batches do not matter.
    std::vector<float> first(k.shape.outputs());
    scaled.y = first.data();
    plan->run(x.q.data(), 1, scaled);
    EXPECT_TRUE(std::equal(first.begin(), first.end(), y.begin()));
  }
}

TEST(IntConv, EveryMethodIsExactWhereItIsChosen) {
  const ConvShape conv2{.c = 128, .h = 26, .w = 26, .o = 128, .kh = 3, .kw = 3};
  const ConvShape linear{.c = 4608, .o = 128};
  if (onednn::has_vnni()) {
    EXPECT_EQ(choose_int_conv(conv2, 15, 8), IntConvMethod::kInt8);
    EXPECT_EQ(choose_int_conv(linear, 255, 128), IntConvMethod::kInt8);
  } else {
    EXPECT_EQ(choose_int_conv(conv2, 15, 8), IntConvMethod::kInt8);       // 2*15*8 fits 16 bits
    EXPECT_EQ(choose_int_conv(conv2, 255, 100), IntConvMethod::kDirect);  // sums beyond 2^24
  }
  EXPECT_EQ(choose_int_conv({.c = 1, .h = 28, .w = 28, .o = 8, .kh = 3, .kw = 3}, 15, 8),
            onednn::has_vnni() ? IntConvMethod::kInt8 : IntConvMethod::kDirect);

  const ConvCase k{
      {.c = 40, .h = 6, .w = 6, .o = 20, .kh = 3, .kw = 3}, 2, 8, 5};  // |sum| <= 255*15*360 < 2^24
  const Operands x(k);
  const auto want = naive_sums(k, x);
  for (const IntConvMethod method : {IntConvMethod::kFloat, IntConvMethod::kInt8}) {
    if (method == IntConvMethod::kInt8 && !onednn::has_vnni()) continue;
    OneDnnIntConv conv(k.shape, k.n, method);
    conv.pack(x.codes.data());
    ScratchBytes scratch;
    std::vector<int32_t> acc(want.size());
    conv.run_sums(x.q.data(), acc.data(), scratch.reserve(conv.scratch_bytes()));
    for (size_t i = 0; i < want.size(); ++i) {
      float f;
      std::memcpy(&f, &acc[i], sizeof f);
      ASSERT_EQ(method == IntConvMethod::kInt8 ? acc[i] : static_cast<int64_t>(f), want[i]) << i;
    }
    const auto bias = test::Draw(3).floats(k.shape.o, -1, 1);
    for (const bool with_bias : {false, true})
      for (const bool relu : {false, true}) {
        OneDnnIntConv scaled(k.shape, k.n, method, {true, with_bias, relu});
        scaled.pack(x.codes.data());
        std::vector<float> y(want.size());
        SramOutput output;
        output.y = y.data();
        output.act_scale = 1.7f;
        output.weight_scale = 23.1f;
        output.bias = with_bias ? bias.data() : nullptr;
        output.relu = relu;
        scaled.run_scaled(x.q.data(), output, scratch.reserve(scaled.scratch_bytes()));
        for (size_t i = 0; i < want.size(); ++i)
          ASSERT_EQ(y[i], layer_output(static_cast<double>(want[i]), 1.7f, 23.1f,
                                       with_bias ? bias[i % k.shape.o] : 0.0f, relu))
              << i;
      }
  }
}

TEST(IntConv, DirectLoopsOfEveryInstructionSetAgree) {
  for (const ConvCase& k : kCases) {
    SCOPED_TRACE(print(k));
    const Operands x(k);
    const ConvShape& s = k.shape;
    const auto want = naive_sums(k, x);
    const auto dy = test::Draw(4).floats(s.outputs(), -1, 1);
    std::vector<int32_t> w(s.weights());
    std::vector<float> wf(s.weights());
    for (int o = 0; o < s.o; ++o)
      for (int r = 0; r < s.rows(); ++r)
        wf[size_t(r) * s.o + o] = w[size_t(r) * s.o + o] = x.codes[size_t(o) * s.rows() + r];
    std::vector<float> first_dw, first_dx;
    for (const DirectConvLoops* loops : direct_conv_targets()) {
      SCOPED_TRACE(loops->name);
      std::vector<int32_t> acc(size_t(s.out_w()) * s.o);
      for (int oh = 0; oh < s.out_h(); ++oh) {
        loops->forward_row(s, x.q.data(), w.data(), oh, acc.data());
        for (size_t i = 0; i < acc.size(); ++i)
          ASSERT_EQ(acc[i], want[oh * acc.size() + i]) << oh << " " << i;
      }
      std::vector<float> dw(s.weights(), 0.0f), dx(s.inputs());
      loops->backward_weights(s, x.q.data(), dy.data(), dw.data());
      loops->backward_data(s, dy.data(), wf.data(), 0.5f, dx.data());
      if (first_dw.empty()) first_dw = dw, first_dx = dx;
      EXPECT_EQ(dw, first_dw);
      EXPECT_EQ(dx, first_dx);
    }
  }
}

/// Keeps about `share` of the codes.
void thin_out(std::vector<uint8_t>& q, double share) {
  const auto keep = test::Draw(5).floats(q.size(), 0, 1);
  for (size_t i = 0; i < q.size(); ++i)
    if (keep[i] >= share) q[i] = 0;
}

TEST(IntConv, NonzeroLoopsOfEveryInstructionSetAgree) {
  std::vector<ConvCase> convolutions(std::begin(kCases), std::end(kCases));
  // Several blocks of output channels, the last one narrow; bands that do not divide the rows.
  convolutions.push_back(
      {{.c = 70, .h = 9, .w = 5, .o = 297, .kh = 3, .kw = 2, .stride = 2, .padding = 1}, 3, 4, 4});
  convolutions.push_back({{.c = 128, .h = 7, .w = 7, .o = 64, .kh = 3, .kw = 3}, 1, 8, 8});
  for (const ConvCase& k : convolutions)
    for (const double share : {0.0, 0.05, 0.5, 1.0}) {
      SCOPED_TRACE(print(k) + " " + std::to_string(share));
      Operands x(k);
      thin_out(x.q, share);
      const auto want = naive_sums(k, x);
      for (const NonzeroConvLoops* loops : nonzero_conv_targets()) {
        SCOPED_TRACE(loops->name);
        NonzeroConvPlan plan(k.shape, 1 << (k.weight_bits - 1), *loops);
        plan.repack(x.codes.data());
        std::vector<double> s(want.size());
        plan.run(x.q.data(), k.n, {.s = s.data()});
        for (size_t i = 0; i < want.size(); ++i) ASSERT_EQ(s[i], static_cast<double>(want[i])) << i;
      }
    }
}

/// More images than are listed at a time, scaled outputs, two callers of one plan.
TEST(IntConv, NonzeroPlanTakesManyImagesAndCallers) {
  const ConvCase k{{.c = 128, .h = 28, .w = 28, .o = 40, .kh = 2, .kw = 2, .stride = 2}, 32, 4, 4};
  Operands x(k);
  thin_out(x.q, 0.03);
  const auto want = naive_sums(k, x);
  const auto bias = test::Draw(3).floats(k.shape.o, -1, 1);
  NonzeroConvPlan plan(k.shape, 8);
  plan.repack(x.codes.data());
  std::array<std::vector<float>, 2> y;
  std::vector<std::thread> callers;
  for (std::vector<float>& own : y) {
    own.resize(want.size());
    callers.emplace_back([&] {
      plan.run(x.q.data(), k.n,
               {.y = own.data(), .act_scale = 1.7f, .weight_scale = 23.1f, .bias = bias.data()});
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(y[0], y[1]);
  for (size_t i = 0; i < want.size(); ++i)
    ASSERT_EQ(y[0][i], layer_output(static_cast<double>(want[i]), 1.7f, 23.1f, bias[i % k.shape.o], false))
        << i;
}

/// The largest products, all of one sign: sums of 16 bits are given up in time.
TEST(IntConv, NonzeroLoopsKeepTheLargestSums) {
  for (const int act_bits : {4, 8}) {
    const ConvCase k{{.c = 96, .h = 4, .w = 4, .o = 33, .kh = 3, .kw = 3}, 1, act_bits, 8};
    Operands x(k);
    std::fill(x.q.begin(), x.q.end(), static_cast<uint8_t>((1 << act_bits) - 1));
    std::fill(x.codes.begin(), x.codes.end(), int8_t{-128});
    const double want = -128.0 * ((1 << act_bits) - 1) * k.shape.rows();
    for (const NonzeroConvLoops* loops : nonzero_conv_targets()) {
      NonzeroConvPlan plan(k.shape, 128, *loops);
      plan.repack(x.codes.data());
      std::vector<double> s(k.shape.outputs());
      plan.run(x.q.data(), 1, {.s = s.data()});
      for (const double sum : s) ASSERT_EQ(sum, want) << loops->name;
    }
  }
}

TEST(IntConv, FewNonzeroCodesGiveTheSameOutputsAsMany) {
  const ConvCase k{{.c = 64, .h = 12, .w = 12, .o = 64, .kh = 3, .kw = 3}, 2, 4, 4};
  const auto bias = test::Draw(3).floats(k.shape.o, -1, 1);
  for (const double share : {0.01, 1.0}) {
    Operands x(k);
    thin_out(x.q, share);
    EXPECT_EQ(nonzero_share(x.q.data(), static_cast<int64_t>(x.q.size())) < 0.03, share < 0.03);
    const auto want = naive_sums(k, x);
    const auto plan = plan_int_conv(k.shape, 15, x.codes.data());
    std::vector<float> y(want.size());
    plan->run(x.q.data(), k.n,
              {.y = y.data(), .act_scale = 1.7f, .weight_scale = 23.1f, .bias = bias.data(), .relu = true});
    for (size_t i = 0; i < want.size(); ++i)
      ASSERT_EQ(y[i], layer_output(static_cast<double>(want[i]), 1.7f, 23.1f, bias[i % k.shape.o], true))
          << i;
  }
}

TEST(IntConv, NonzeroShareCountsCodes) {
  std::vector<uint8_t> q(64, 0);
  EXPECT_EQ(nonzero_share(q.data(), 64), 0.0);
  EXPECT_EQ(nonzero_share(std::vector<uint8_t>(64, 255).data(), 64), 1.0);
  for (int k = 0; k < 16; ++k) q[3 * k] = static_cast<uint8_t>(k % 2 ? 1 : 0x80);
  EXPECT_EQ(nonzero_share(q.data(), 64), 0.25);
  EXPECT_EQ(nonzero_share(q.data(), 7), 1.0) << "too few to tell: all of them";
  // Every third word is zero, and so is every twelfth: no step of the sample may fall in with channels.
  for (const size_t period : {3, 12}) {
    std::vector<uint8_t> many(size_t{8} * 120'000, 1);
    for (size_t word = 0; word < many.size() / 8; word += period)
      std::fill_n(many.begin() + 8 * word, 8, uint8_t{0});
    EXPECT_NEAR(nonzero_share(many.data(), static_cast<int64_t>(many.size())), 1.0 - 1.0 / period, 0.05);
  }
}

TEST(IntConv, RepackTakesNewWeightsForEveryBatchSize) {
  const ConvCase k{{.c = 32, .h = 5, .w = 5, .o = 16, .kh = 3, .kw = 3}, 2, 4, 4};
  const Operands x(k);
  const auto plan = plan_int_conv(k.shape, 15, 8);
  for (const int8_t sign : {int8_t{1}, int8_t{-1}}) {
    auto codes = x.codes;
    for (int8_t& c : codes) c = static_cast<int8_t>(c * sign);
    plan->repack(codes.data());
    const auto want = naive_sums(k, x);
    for (const int n : {2, 1}) {
      std::vector<double> s(size_t(n) * k.shape.outputs());
      SramOutput raw;
      raw.s = s.data();
      plan->run(x.q.data(), n, raw);
      for (size_t i = 0; i < s.size(); ++i) ASSERT_EQ(s[i], static_cast<double>(sign * want[i]));
    }
  }
}

/// Largest difference relative to the largest value.
double distance(const std::vector<float>& got, const std::vector<double>& want) {
  double top = 0, off = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    top = std::max(top, std::abs(want[i]));
    off = std::max(off, std::abs(got[i] - want[i]));
  }
  return off / top;
}

class ConvBackwardTest : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Algorithms, ConvBackwardTest, testing::Values("auto", "direct", "winograd", "bf16"),
                         [](const auto& p) { return std::string(p.param); });

TEST_P(ConvBackwardTest, MatchesTheDefinition) {
  const ConvBackward algorithm = parse_conv_backward(GetParam());
  if (algorithm == ConvBackward::kBf16 && !onednn::has_bf16()) GTEST_SKIP() << "no native bfloat16 here";
  for (const ConvCase& k : kCases) {
    SCOPED_TRACE(print(k));
    const Operands x(k);
    const float act_scale = 3.7f, weight_scale = 41.0f;
    const auto dy = test::Draw(5).floats(size_t(k.n) * k.shape.outputs(), -1, 1);
    std::vector<double> want_dx(x.q.size()), want_dw(x.codes.size());
    for_products(k.shape, k.n, [&](size_t out, size_t in, size_t w) {
      want_dx[in] += double{dy[out]} * x.codes[w] / weight_scale;
      want_dw[w] += double{dy[out]} * x.q[in] / act_scale;
    });
    const auto plan = plan_conv_backward(k.shape, k.n, algorithm);
    std::vector<float> dx(x.q.size(), 7.0f), dw(x.codes.size(), 7.0f);
    plan->run(x.q.data(), x.codes.data(), act_scale, weight_scale, dy.data(), dx.data(), dw.data());
    const std::string name = plan->algorithm();
    const double tolerance = name == "bf16" ? 4e-3 : name == "winograd" ? 1e-4 : 3e-6;
    EXPECT_LT(distance(dx, want_dx), tolerance) << name;
    EXPECT_LT(distance(dw, want_dw), tolerance) << name;
    // Without dx, and again on the same buffers: the same weights' gradient.
    std::vector<float> again(dw.size());
    plan->run(x.q.data(), x.codes.data(), act_scale, weight_scale, dy.data(), nullptr, again.data());
    EXPECT_EQ(again, dw);
  }
}

/// The straight-through gradients are those of the float convolution at the quantised operands.
TEST(ConvBackward, MatchesFiniteDifferences) {
  const ConvCase k{{.c = 6, .h = 6, .w = 5, .o = 8, .kh = 3, .kw = 3, .padding = 1}, 2, 4, 4};
  const Operands operands(k);
  const float act_scale = 3.0f, weight_scale = 11.0f;
  std::vector<double> x(operands.q.begin(), operands.q.end()),
      w(operands.codes.begin(), operands.codes.end());
  for (double& v : x) v /= act_scale;
  for (double& v : w) v /= weight_scale;
  const auto dy = test::Draw(6).floats(size_t(k.n) * k.shape.outputs(), -1, 1);
  const auto loss = [&] {
    double sum = 0;
    for_products(k.shape, k.n, [&](size_t o, size_t i, size_t j) { sum += double{dy[o]} * x[i] * w[j]; });
    return sum;
  };
  std::vector<float> dx(x.size()), dw(w.size());
  plan_conv_backward(k.shape, k.n, ConvBackward::kDirect)
      ->run(operands.q.data(), operands.codes.data(), act_scale, weight_scale, dy.data(), dx.data(),
            dw.data());
  const auto check = [&](std::vector<double>& values, const std::vector<float>& gradient, size_t step) {
    for (size_t i = 0; i < values.size(); i += step) {
      const double kept = values[i], h = 1e-3;
      values[i] = kept + h;
      const double up = loss();
      values[i] = kept - h;
      const double down = loss();
      values[i] = kept;
      ASSERT_NEAR(gradient[i], (up - down) / (2 * h), 1e-4) << i;
    }
  };
  check(x, dx, 7);
  check(w, dw, 11);
}

TEST(ConvBackward, UnknownAlgorithmIsNamed) {
  EXPECT_THROW(parse_conv_backward("fast"), InputError);
}

}  // namespace
}  // namespace sramsim
