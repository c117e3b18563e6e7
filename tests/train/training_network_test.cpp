// One training step of a whole network against the naive one, and against finite differences where nothing is
// quantised.
#include "host/train/training_network.h"

#include <gtest/gtest.h>

#include <cmath>

#include "host/train/alpha_calibration.h"
#include "kernels/loss/loss.h"
#include "tests/layers/random_data.h"
#include "tests/train/naive_network.h"
#include "tests/train/small_network.h"

namespace sramsim {
namespace {

using test::Vector;

/// Reaches gradient(): the public set gives pointers into the backend's memory, which is the host's here.
Vector gradient_of(const ParameterSet& parameters, int id) {
  const Parameter& p = parameters.at(id);
  const float* g = parameters.gradient(id);
  Vector out(p.count());
  const int64_t c = p.channels_last() ? p.shape[1] : 1, s = p.channels_last() ? p.shape[2] * p.shape[3] : 1;
  for (size_t i = 0; i < out.size(); ++i) {
    const auto k = static_cast<int64_t>(i);
    out[i] = p.channels_last() ? g[(k / (c * s) * s + k % s) * c + k / s % c] : g[i];
  }
  return out;
}

void expect_close(const Vector& got, const Vector& want, double tolerance, const std::string& name) {
  ASSERT_EQ(got.size(), want.size()) << name;
  double top = 1e-12, off = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    top = std::max(top, std::abs(want[i]));
    off = std::max(off, std::abs(got[i] - want[i]));
  }
  EXPECT_LT(off / top, tolerance) << name;
}

struct Case {
  const char* name;
  bool mse;
  float alpha;  // small clips and the calibrated ones exercise the clipped branch
  ConvBackward backward;
  double tolerance;
};

class OneStep : public testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(TrainingNetwork, OneStep,
                         testing::Values(Case{"ce_direct", false, 0.7f, ConvBackward::kDirect, 1e-5},
                                         Case{"mse_direct", true, 10.0f, ConvBackward::kDirect, 1e-5},
                                         Case{"ce_winograd", false, 0.7f, ConvBackward::kWinograd, 1e-4},
                                         Case{"ce_auto", false, 0.7f, ConvBackward::kAuto, 2e-2}),
                         [](const auto& p) { return std::string(p.param.name); });

TEST_P(OneStep, GradientsEqualTheNaiveNetworks) {
  const Case c = GetParam();
  const auto backend = make_cpu_backend();
  const NetworkSpec spec = test::small_network();
  const int n = 5;
  const uint64_t seed = 9, step = 3;
  TrainingNetwork network(*backend, spec,
                          {.max_batch = 8,
                           .loss = c.mse ? Loss::kMse : Loss::kCrossEntropy,
                           .alpha_init = c.alpha,
                           .conv_backward = c.backward,
                           .seed = seed});
  const Dataset data = test::slice(test::mnist(Split::kTrain), 0, n);
  network.forward_backward(data.images.data(), data.labels.data(), n, step);
  const std::vector<float> logits = network.logits(n);

  test::NaiveNetwork naive(spec, std::as_const(network).parameters());
  std::vector<float> naive_logits, dlogits(logits.size());
  const auto image = [&](int i) {
    Vector x;
    for (int k = 0; k < 784; ++k)
      x.push_back(static_cast<float>(data.images[static_cast<size_t>(i * 784 + k)]) / 255.0f);
    return x;
  };
  for (int i = 0; i < n; ++i)
    for (const double z : naive.forward(image(i), true, seed, step, i))
      naive_logits.push_back(static_cast<float>(z));
  EXPECT_EQ(logits, naive_logits);  // the forward pass is exact

  Totals want;
  (c.mse ? mse_one_hot_batch : softmax_cross_entropy_batch)(logits.data(), data.labels.data(), n, 10,
                                                            &want.loss, dlogits.data(), &want.correct);
  EXPECT_EQ(network.totals().loss, want.loss);
  EXPECT_EQ(network.totals().correct, want.correct);
  std::map<std::string, Vector> gradients;
  for (int i = 0; i < n; ++i) {
    naive.forward(image(i), true, seed, step, i);
    naive.backward(Vector(dlogits.begin() + i * 10, dlogits.begin() + (i + 1) * 10), seed, step, i,
                   gradients);
  }
  const ParameterSet& parameters = std::as_const(network).parameters();
  for (int id = 0; id < parameters.size(); ++id)
    expect_close(gradient_of(parameters, id), gradients.at(parameters.at(id).name), c.tolerance,
                 parameters.at(id).name);
}

/// The last layer's bias is not quantised: its gradient is the derivative of the loss itself.
TEST(TrainingNetwork, LastBiasMatchesFiniteDifferencesOfTheLoss) {
  const auto backend = make_cpu_backend();
  for (const Loss loss : {Loss::kCrossEntropy, Loss::kMse}) {
    TrainingNetwork network(*backend, test::small_network(),
                            {.max_batch = 16, .loss = loss, .alpha_init = 1.0f, .seed = 4});
    const Dataset data = test::slice(test::mnist(Split::kTrain), 100, 16);
    ParameterSet& parameters = network.parameters();
    int id = 0;
    while (parameters.at(id).name != "fc2.bias") ++id;
    const auto value = [&](size_t k, float by) {
      network.parameters().value(id)[k] += by;
      network.reset_totals();
      network.forward_backward(data.images.data(), data.labels.data(), 16, 0);
      return static_cast<double>(network.totals().loss);
    };
    value(0, 0.0f);
    const Vector gradient = gradient_of(parameters, id);
    for (size_t k = 0; k < 10; ++k) {
      const double up = value(k, 0.02f), down = value(k, -0.04f);
      value(k, 0.02f);
      EXPECT_NEAR(gradient[k], (up - down) / 0.04, 2e-4) << k;
    }
  }
}

TEST(TrainingNetwork, InitialisationIsPyTorchsAndSeeded) {
  const auto backend = make_cpu_backend();
  TrainingNetwork a(*backend, test::small_network(), {.alpha_init = 3.0f, .seed = 1});
  TrainingNetwork b(*backend, test::small_network(), {.alpha_init = 3.0f, .seed = 2});
  for (int id = 0; id < a.parameters().size(); ++id) {
    const Parameter& p = a.parameters().at(id);
    const HostTensor x = a.parameters().download_value(id), y = b.parameters().download_value(id);
    if (p.group == ParameterGroup::kAlpha) {
      EXPECT_EQ(*x.as<float>(), 3.0f);
      continue;
    }
    EXPECT_NE(x.bytes, y.bytes) << p.name;
    const double fan_in = p.name.starts_with("conv1")   ? 9
                          : p.name.starts_with("conv2") ? 72
                          : p.name.starts_with("fc1")   ? 144
                                                        : 32;
    double most = 0;
    for (int64_t i = 0; i < x.count(); ++i)
      most = std::max(most, std::abs(static_cast<double>(x.as<float>()[i])));
    EXPECT_LE(most, 1 / std::sqrt(fan_in)) << p.name;
    EXPECT_GT(most, 0.7 / std::sqrt(fan_in)) << p.name;
  }
}

TEST(TrainingNetwork, AlphaDecaysByItsPenalty) {
  const auto backend = make_cpu_backend();
  TrainingNetwork network(*backend, test::small_network(), {.alpha_init = 8.0f});  // nothing reaches the clip
  const Dataset data = test::slice(test::mnist(Split::kTrain), 0, 4);
  network.forward_backward(data.images.data(), data.labels.data(), 4, 0);
  network.update({.lr = 0.5f, .momentum = 0.9f, .weight_decay = 0.0f, .alpha_lambda = 0.01f});
  for (const auto& alpha : network.alphas())
    EXPECT_FLOAT_EQ(alpha.value, 8.0f - 0.5f * 2 * 0.01f * 8.0f) << alpha.layer;
}

TEST(AlphaCalibration, FindsTheClipOfLeastError) {
  test::Draw draw(1);
  const auto uniform = draw.floats(20000, -1.0f, 2.0f);
  EXPECT_NEAR(best_activation_clip(uniform, 4), 2.0, 0.1);  // nothing to clip
  std::vector<float> outlier = uniform;
  outlier.push_back(10.0f);
  EXPECT_LT(best_activation_clip(outlier, 4), 3.0f);  // one value is not worth the others' resolution
  EXPECT_EQ(best_activation_clip(std::vector<float>(5, -1.0f), 4), 1.0f);
}

TEST(AlphaCalibration, LayersUseTheirCodes) {
  const auto backend = make_cpu_backend();
  TrainingNetwork network(*backend, test::small_network(), {.max_batch = 64, .alpha_init = 10.0f});
  const Dataset data = test::slice(test::mnist(Split::kTrain), 0, 64);
  network.calibrate_alphas(data.images.data(), 64);
  const auto alphas = network.alphas();
  EXPECT_NEAR(alphas[0].value, 1.0f, 0.1f);  // pixels fill [0,1]
  for (const auto& alpha : alphas) {
    EXPECT_GT(alpha.value, 0.0f) << alpha.layer;
    EXPECT_LT(alpha.value, 3.0f) << alpha.layer;
  }
}

}  // namespace
}  // namespace sramsim
