// Every method of the GPU backend against the CPU's, through the seam: bit for bit where both add in one
// order, within a float's last digits where a library or an exponential stands between.
#include <array>
#include <cmath>

#include "kernels/backend/backend.h"
#include "kernels/core/error.h"
#include "tests/cases.h"
#include "tests/cuda/gpu.h"
#include "tests/layers/random_data.h"

namespace sramsim {
namespace {

class CudaBackendTest : public testing::Test {
 protected:
  void SetUp() override {
    SRAMSIM_NEEDS_GPU();
    gpu_ = make_backend("cuda");
  }

  /// What `count` elements of T hold after `work` on each backend.
  template <typename T, typename Work>
  void expect_equal(size_t count, const Work& work) {
    EXPECT_EQ(result<T>(*gpu_, count, work), result<T>(*cpu_, count, work)) << count;
  }

  template <typename T, typename Work>
  static std::vector<T> result(Backend& backend, size_t count, const Work& work) {
    DeviceArray<T> out(backend, count);
    out.zero();
    work(backend, out.data());
    std::vector<T> host(count);
    out.download(host.data());
    return host;
  }

  template <typename T>
  static DeviceArray<T> on(Backend& backend, const std::vector<T>& host) {
    DeviceArray<T> array(backend, host.size());
    array.upload(host.data());
    return array;
  }

  std::unique_ptr<Backend> cpu_ = make_cpu_backend(), gpu_;
  test::Draw draw_{31};
};

constexpr size_t kCounts[] = {1, 5, 1003, 70001};

TEST_F(CudaBackendTest, MemoryComesBackAsItWent) {
  EXPECT_EQ(gpu_->kind(), "cuda");
  for (const size_t n :
       {size_t{1}, size_t{64}, size_t{65}, size_t{1} << 20}) {  // kernel arguments, then copies
    const auto bytes = draw_.activation_codes(n, 255);
    std::vector<uint8_t> back(n);
    on(*gpu_, bytes).download(back.data());
    EXPECT_EQ(back, bytes);
  }
  std::vector<uint8_t> zero(1000, 7);
  auto array = on(*gpu_, zero);
  array.zero();
  array.download(zero.data());
  EXPECT_EQ(zero, std::vector<uint8_t>(1000));
}

TEST_F(CudaBackendTest, TooMuchMemoryIsItsOwnError) {
  EXPECT_THROW(gpu_->allocate(size_t{1} << 40), OutOfMemory);
  gpu_->trim();
  expect_equal<float>(10, [](Backend& b, float* y) { b.relu_forward(y, 10, y); });  // still usable
}

TEST_F(CudaBackendTest, Elementwise) {
  for (const size_t n : kCounts) {
    const auto bytes = draw_.activation_codes(n, 255);
    const auto x = draw_.floats(n, -1, 3), g = draw_.floats(n, -1, 1);
    const std::vector<float> alpha = {1.7f};
    expect_equal<float>(n, [&](Backend& b, float* y) { b.bytes_to_unit(on(b, bytes).data(), n, y); });
    expect_equal<uint8_t>(n, [&](Backend& b, uint8_t* q) {
      b.quantise_activations(on(b, x).data(), n, on(b, alpha).data(), 4, q);
    });
    expect_equal<float>(n, [&](Backend& b, float* y) { b.relu_forward(on(b, x).data(), n, y); });
    expect_equal<float>(n, [&](Backend& b, float* y) {
      b.upload(y, g.data(), n * sizeof(float));
      b.relu_backward(on(b, x).data(), n, y);
    });
    const std::vector<uint64_t> step = {5};
    expect_equal<float>(n, [&](Backend& b, float* y) {
      b.dropout(on(b, x).data(), n, 0.3f, {1, 2, 3}, on(b, step).data(), y);
    });
    expect_equal<float>(2 * n, [&](Backend& b, float* wm) {  // weights, then momenta
      b.upload(wm, x.data(), n * sizeof(float));
      b.upload(wm + n, g.data(), n * sizeof(float));
      b.sgd_step(wm, on(b, g).data(), wm + n, n, 0.1f, 0.9f, 0.01f);
    });
  }
}

TEST_F(CudaBackendTest, ReductionsHaveTheCpusBits) {
  for (const size_t n : {size_t{17}, size_t{16384}, size_t{147456}, size_t{1000003}}) {
    const auto x = draw_.floats(n, -1, 3), g = draw_.floats(n, -1, 1), w = draw_.floats(n, -0.2f, 0.2f);
    const std::vector<float> alpha = {1.5f};
    for (const bool after_relu : {false, true})
      expect_equal<float>(n + 1, [&](Backend& b, float* y) {  // the gradient, then dalpha
        b.upload(y, g.data(), n * sizeof(float));
        b.quantise_activations_backward(on(b, x).data(), n, on(b, alpha).data(), after_relu, y, y + n);
      });
    for (const int bits : {2, 4, 8}) {
      expect_equal<int8_t>(n, [&](Backend& b, int8_t* codes) {
        DeviceArray<float> scale(b, 1);
        b.quantise_weights(on(b, w).data(), n, bits, codes, scale.data());
      });
      expect_equal<float>(1, [&](Backend& b, float* scale) {
        DeviceArray<int8_t> codes(b, n);
        b.quantise_weights(on(b, w).data(), n, bits, codes.data(), scale);
      });
    }
  }
}

TEST_F(CudaBackendTest, PoolsAndFlatten) {
  struct Pool {
    int n, h, w, c, size;
  };
  for (const Pool p : {Pool{1, 4, 4, 1, 2}, Pool{2, 7, 9, 3, 2}, Pool{2, 24, 24, 17, 4}}) {
    const auto in = static_cast<size_t>(p.n * p.h * p.w * p.c);
    const auto out = static_cast<size_t>(p.n * (p.h / p.size) * (p.w / p.size) * p.c);
    auto x = draw_.floats(in, -1, 1);
    for (size_t i = 0; i < in; i += 3) x[i] = 0.25f;  // ties
    const auto dy = draw_.floats(out, -1, 1);
    expect_equal<float>(out, [&](Backend& b, float* y) {
      b.avg_pool_forward(on(b, x).data(), p.n, p.h, p.w, p.c, p.size, y);
    });
    expect_equal<float>(out, [&](Backend& b, float* y) {
      b.max_pool_forward(on(b, x).data(), p.n, p.h, p.w, p.c, p.size, y);
    });
    expect_equal<float>(in, [&](Backend& b, float* y) {
      b.avg_pool_backward(on(b, dy).data(), nullptr, p.n, p.h, p.w, p.c, p.size, y);
    });
    expect_equal<float>(in, [&](Backend& b, float* y) {
      b.avg_pool_backward(on(b, dy).data(), on(b, x).data(), p.n, p.h, p.w, p.c, p.size, y);
    });
    expect_equal<float>(in, [&](Backend& b, float* y) {
      b.max_pool_backward(on(b, x).data(), on(b, dy).data(), p.n, p.h, p.w, p.c, p.size, y);
    });
    expect_equal<float>(
        in, [&](Backend& b, float* y) { b.flatten_forward(on(b, x).data(), p.n, p.h, p.w, p.c, y); });
    expect_equal<float>(
        in, [&](Backend& b, float* y) { b.flatten_backward(on(b, x).data(), p.n, p.h, p.w, p.c, y); });
  }
}

TEST_F(CudaBackendTest, GatheredBatches) {
  const size_t pixels = 784;
  const auto images = draw_.activation_codes(50 * pixels, 255);
  const auto labels = draw_.activation_codes(50, 9);
  std::vector<int32_t> order(50);
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>((i * 7) % 50);
  expect_equal<uint8_t>(32 * pixels + 32, [&](Backend& b, uint8_t* to) {
    b.gather_batch(on(b, images).data(), on(b, labels).data(), on(b, order).data(), 13, 32, pixels, to,
                   to + 32 * pixels);
  });
}

void expect_close(const std::vector<float>& got, const std::vector<float>& want, float tolerance,
                  const char* what) {
  ASSERT_EQ(got.size(), want.size());
  float top = 1e-30f, off = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_TRUE(std::isfinite(got[i])) << what << " " << i;
    top = std::max(top, std::fabs(want[i]));
    off = std::max(off, std::fabs(got[i] - want[i]));
  }
  EXPECT_LE(off, tolerance * top) << what;
}

TEST_F(CudaBackendTest, Losses) {
  const int n = 128, classes = 10;
  const auto z = draw_.floats(n * classes, -4, 4);
  const auto labels = draw_.activation_codes(n, classes - 1);
  for (const bool mse : {false, true}) {
    const auto losses = [&](Backend& b) {  // loss, hits as a float, gradient
      DeviceArray<int32_t> correct(b, 1);
      correct.zero();
      auto values = result<float>(b, 1 + n * classes, [&](Backend& backend, float* y) {
        if (mse)
          backend.mse_one_hot(on(b, z).data(), on(b, labels).data(), n, classes, y, y + 1, correct.data());
        else
          backend.softmax_cross_entropy(on(b, z).data(), on(b, labels).data(), n, classes, y, y + 1,
                                        correct.data());
      });
      int32_t hits = 0;
      correct.download(&hits);
      values.push_back(static_cast<float>(hits));
      return values;
    };
    const auto got = losses(*gpu_), want = losses(*cpu_);
    if (mse) {
      EXPECT_EQ(got, want);
    } else {
      EXPECT_EQ(got.back(), want.back());
      for (size_t i = 0; i < want.size(); ++i)  // the exponentials of two libraries: the last bit of a double
        ASSERT_NEAR(got[i], want[i], 2e-7f * std::max(1e-3f, std::fabs(want[i]))) << i;
    }
  }
}

const ConvShape kShapes[] = {{.c = 1, .h = 28, .w = 28, .o = 128, .kh = 3, .kw = 3},
                             {.c = 128, .h = 26, .w = 26, .o = 128, .kh = 3, .kw = 3},
                             {.c = 300, .o = 10},
                             {.c = 4608, .o = 128},
                             {.c = 16, .h = 8, .w = 7, .o = 24, .kh = 3, .kw = 3, .stride = 2, .padding = 1},
                             {.c = 5, .h = 9, .w = 8, .o = 7, .kh = 4, .kw = 4, .stride = 3}};

/// One quantised convolution's operands on a backend.
struct ConvOperands {
  DeviceArray<uint8_t> q;
  DeviceArray<int8_t> codes;
  DeviceArray<float> alpha, weight_scale, bias, dy;
  QuantConvArgs args;
};

class CudaConvTest : public CudaBackendTest, public testing::WithParamInterface<ConvShape> {
 protected:
  static constexpr int kImages = 6;
  ConvOperands operands(Backend& b, ConvBackward backward) {
    test::Draw draw(5);
    const ConvShape& s = GetParam();
    ConvOperands x{on(b, draw.activation_codes(static_cast<size_t>(kImages * s.inputs()), 15)),
                   on(b, draw.weight_codes(static_cast<size_t>(s.weights()), 7)),
                   on(b, std::vector<float>{1.9f}),
                   on(b, std::vector<float>{23.0f}),
                   on(b, draw.floats(static_cast<size_t>(s.o), -1, 1)),
                   on(b, draw.floats(static_cast<size_t>(kImages * s.outputs()), -1, 1)),
                   {}};
    x.args = {s, kImages, x.q.data(), x.codes.data(), x.alpha.data(), 4, 4, x.weight_scale.data(), backward};
    return x;
  }
  /// dx, dw and dbias one after another.
  std::array<std::vector<float>, 3> gradients(Backend& b, ConvBackward backward) {
    const ConvShape& s = GetParam();
    const ConvOperands x = operands(b, backward);
    DeviceArray<float> dx(b, x.q.size()), dw(b, x.codes.size()), dbias(b, x.bias.size());
    b.quant_conv_backward(x.args, x.dy.data(), dx.data(), dw.data(), dbias.data());
    std::array<std::vector<float>, 3> host{std::vector<float>(static_cast<size_t>(kImages * s.inputs())),
                                           std::vector<float>(static_cast<size_t>(s.weights())),
                                           std::vector<float>(static_cast<size_t>(s.o))};
    dx.download(host[0].data());
    dw.download(host[1].data());
    dbias.download(host[2].data());
    return host;
  }
};

INSTANTIATE_TEST_SUITE_P(Shapes, CudaConvTest, testing::ValuesIn(kShapes));

TEST_P(CudaConvTest, ForwardHasTheCpusBits) {
  for (const bool relu : {false, true})
    expect_equal<float>(static_cast<size_t>(kImages * GetParam().outputs()), [&](Backend& b, float* y) {
      const ConvOperands x = operands(b, ConvBackward::kAuto);
      b.quant_conv_forward(x.args, relu ? x.bias.data() : nullptr, relu, y);
    });
}

TEST_P(CudaConvTest, BackwardIsFloat32AndRepeats) {
  const auto want = gradients(*cpu_, ConvBackward::kDirect), got = gradients(*gpu_, ConvBackward::kDirect);
  expect_close(got[0], want[0], 1e-5f, "dx");
  expect_close(got[1], want[1], 1e-5f, "dw");
  expect_close(got[2], want[2], 1e-6f, "dbias");
  EXPECT_EQ(gradients(*gpu_, ConvBackward::kDirect), got);
}

TEST_P(CudaConvTest, Tf32IsNearAndTheDefault) {
  const auto want = gradients(*cpu_, ConvBackward::kDirect), got = gradients(*gpu_, ConvBackward::kTf32);
  expect_close(got[0], want[0], 5e-3f, "dx");
  expect_close(got[1], want[1], 5e-3f, "dw");
  EXPECT_EQ(gradients(*gpu_, ConvBackward::kAuto), got);
}

TEST_F(CudaBackendTest, AlgorithmsOfTheCpuAreRefused) {
  const ConvShape s{.c = 8, .o = 4};
  DeviceArray<uint8_t> q(*gpu_, 8);
  DeviceArray<int8_t> codes(*gpu_, 32);
  DeviceArray<float> f(*gpu_, 64);
  const QuantConvArgs args{s, 1, q.data(), codes.data(), f.data(), 4, 4, f.data(), ConvBackward::kBf16};
  EXPECT_THROW(gpu_->quant_conv_backward(args, f.data(), nullptr, f.data(), nullptr), InputError);
}

TEST_F(CudaBackendTest, ARecordingReadsMemoryAnew) {
  const size_t n = 1000;
  const auto x = draw_.floats(n, -1, 1), other = draw_.floats(n, -1, 1);
  auto in = on(*gpu_, x);
  DeviceArray<uint64_t> step(*gpu_, 1);
  DeviceArray<float> y(*gpu_, n);
  std::string reason;
  const auto work = [&] { gpu_->dropout(in.data(), n, 0.5f, {1, 2, 0}, step.data(), y.data()); };
  const auto recording = gpu_->record(work, &reason);
  if (!recording) GTEST_SKIP() << reason;
  for (const uint64_t at : {uint64_t{1}, uint64_t{2}}) {
    const auto& source = at == 1 ? x : other;
    in.upload(source.data());
    step.upload(&at);
    recording->run();
    std::vector<float> got(n), want(n);
    y.download(got.data());
    cpu_->dropout(source.data(), n, 0.5f, {1, 2, at}, nullptr, want.data());
    EXPECT_EQ(got, want);
  }
}

TEST_F(CudaBackendTest, WorkThatCannotBeRecordedIsRefusedAndDoesNoHarm) {
  std::vector<float> host(100);
  DeviceArray<float> y(*gpu_, 100);
  y.zero();
  std::string reason;
  EXPECT_EQ(gpu_->record([&] { y.download(host.data()); }, &reason), nullptr);
  EXPECT_FALSE(reason.empty());
  y.download(host.data());
  EXPECT_EQ(host, std::vector<float>(100));
}

TEST_F(CudaBackendTest, PlansTakeForcedKernels) {
  const cases::SramCase c = cases::seed_conv2(64, 5);
  const SramConvSpec spec = cases::make_spec(c);
  const cases::Operands operands = cases::make_operands(c);
  std::string chosen;
  const auto plan = gpu_->plan_sram_conv(spec, operands.codes.data(), "portable", &chosen);
  EXPECT_EQ(chosen, "portable/table");
  EXPECT_FALSE(plan->describe().empty());
  EXPECT_THROW(gpu_->plan_sram_conv(spec, operands.codes.data(), "reference", nullptr), InputError);
  expect_equal<double>(static_cast<size_t>(c.n * c.shape.outputs()), [&](Backend& b, double* s) {
    SramOutput output;
    output.s = s;
    const auto q = on(b, operands.q);
    b.plan_sram_conv(spec, operands.codes.data(), "", nullptr)->run(q.data(), c.n, {&output, 1});
    b.synchronise();
  });
}

}  // namespace
}  // namespace sramsim
