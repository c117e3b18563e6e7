// The engine against a straightforward evaluation, and against itself: batches, threads, sharing and fusing
// change nothing.
#include "host/infer/evaluate.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/core/error.h"
#include "tests/infer/toy_network.h"

namespace sramsim::test {
namespace {

ArraySettings settings(int subarray, const char* mode, int bits,
                       Encoding encoding = Encoding::kTwosComplement, const char* mapping = "shape-wise",
                       int dac_bits = 1, AdcRange range = {}) {
  return {subarray, mapping, encoding, dac_bits, {mode, bits, range}};
}

/// Points around every branch of the engine: lossless and lossy, one ADC and many, arrays and digital.
std::vector<DesignPoint> many_points(const QuantisedNetwork& network) {
  std::vector<DesignPoint> points{ideal_point(network)};
  for (const int bits : {0, 1, 2, 3, 4, 5})
    for (const char* mode : {"uniform", "saturating"})
      points.push_back(uniform_point(network, settings(10, mode, bits), false));
  points.push_back(uniform_point(network, settings(7, "uniform", 2), true));
  points.push_back(uniform_point(network, settings(24, "uniform", 3, Encoding::kOffset, "unrolled"), true));
  points.push_back(
      uniform_point(network, settings(24, "saturating", 2, Encoding::kDifferential, "whole-kernel"), false));
  points.push_back(
      uniform_point(network, settings(16, "uniform", 3, Encoding::kTwosComplement, "unrolled", 2), true));
  points.push_back(uniform_point(
      network,
      settings(64, "uniform", 2, Encoding::kTwosComplement, "shape-wise", 1, {AdcRange::Kind::kArray, 0.0}),
      false));
  DesignPoint mixed = ideal_point(network);
  mixed.layers[1] = settings(8, "uniform", 2);
  mixed.layers[3] = settings(5, "saturating", 1);
  points.push_back(mixed);
  return points;
}

class Evaluate : public testing::Test {
 protected:
  std::unique_ptr<Backend> backend_ = make_cpu_backend(1);
  QuantisedNetwork network_{*backend_, toy_checkpoint()};
  Dataset dataset_ = toy_dataset(37);

  std::vector<PointResult> run(const std::vector<DesignPoint>& points, EvaluateOptions options = {}) {
    options.logits = true;
    return evaluate(*backend_, network_, dataset_, points, options);
  }
};

int64_t correct(const Dataset& dataset, const std::vector<float>& logits, int classes) {
  int64_t hits = 0;
  for (size_t i = 0; i * static_cast<size_t>(classes) < logits.size(); ++i) {
    const float* row = &logits[i * static_cast<size_t>(classes)];
    hits += std::max_element(row, row + classes) - row == dataset.labels[i];
  }
  return hits;
}

TEST_F(Evaluate, EqualsStraightforwardEvaluation) {
  const auto points = many_points(network_);
  const auto results = run(points);
  ASSERT_EQ(results.size(), points.size());
  for (size_t p = 0; p < points.size(); ++p) {
    const auto expected = plain_logits(network_, dataset_, points[p], dataset_.count);
    EXPECT_EQ(results[p].logits, expected) << "point " << p;
    EXPECT_EQ(results[p].images, dataset_.count);
    EXPECT_EQ(results[p].correct, correct(dataset_, expected, 5)) << "point " << p;
  }
}

TEST_F(Evaluate, LossyPointsDifferFromIdeal) {
  const auto results =
      run({ideal_point(network_), uniform_point(network_, settings(10, "uniform", 2), false)});
  EXPECT_NE(results[0].logits, results[1].logits);
}

TEST_F(Evaluate, PointsTogetherEqualPointsAlone) {
  const auto points = many_points(network_);
  for (const int width : {1, 2, 16}) {
    const auto together = run(points, {.max_adcs_per_pass = width});
    for (size_t p = 0; p < points.size(); ++p)
      EXPECT_EQ(together[p].logits, run({points[p]})[0].logits)
          << "point " << p << ", " << width << " ADCs per pass";
  }
}

TEST_F(Evaluate, BatchAndFusingChangeNothing) {
  const auto points = many_points(network_);
  const auto expected = run(points, {.batch = 64});
  for (const int batch : {1, 5, 36, 37}) {
    const auto got = run(points, {.batch = batch, .fuse_relu = batch % 2 == 0});
    for (size_t p = 0; p < points.size(); ++p)
      EXPECT_EQ(got[p].logits, expected[p].logits) << "point " << p << ", batch " << batch;
  }
}

TEST_F(Evaluate, ThreadsChangeNothing) {
  const auto points = many_points(network_);
  const auto expected = run(points);
  const auto two = make_cpu_backend(2);
  const QuantisedNetwork network(*two, toy_checkpoint());
  const auto got = evaluate(*two, network, dataset_, points, {.logits = true});
  for (size_t p = 0; p < points.size(); ++p) EXPECT_EQ(got[p].logits, expected[p].logits) << "point " << p;
}

TEST_F(Evaluate, LimitTakesTheFirstImages) {
  const auto point = uniform_point(network_, settings(10, "uniform", 3), false);
  const auto all = run({point})[0];
  const auto some = run({point}, {.batch = 4, .limit = 11})[0];
  EXPECT_EQ(some.images, 11);
  EXPECT_EQ(some.logits, std::vector<float>(all.logits.begin(), all.logits.begin() + 11 * 5));
  EXPECT_EQ(run({point}, {.limit = 1000})[0].images, dataset_.count);
}

TEST_F(Evaluate, ForcedKernelComputesLosslessLayersToo) {
  const auto point = uniform_point(network_, settings(10, "uniform", 8), false);
  const auto forced = run({point}, {.kernel = "reference"})[0];
  EXPECT_EQ(forced.layers[0].kernel, "reference");
  EXPECT_EQ(forced.layers[1].kernel, "reference");
  EXPECT_EQ(forced.logits, run({ideal_point(network_)})[0].logits);
}

TEST_F(Evaluate, FirstOfEqualLogitsWins) {
  Checkpoint equal = toy_checkpoint();
  HostTensor& w = equal.file.tensors["fc2.weight"];
  for (int o = 1; o < 5; ++o) std::copy_n(w.as<float>(), 16, w.as<float>() + o * 16);
  HostTensor& bias = equal.file.tensors["fc2.bias"];
  std::fill_n(bias.as<float>(), 5, 0.25f);
  const QuantisedNetwork network(*backend_, equal);
  const auto result = evaluate(*backend_, network, dataset_, {ideal_point(network)}, {})[0];
  EXPECT_EQ(result.correct, std::count(dataset_.labels.begin(), dataset_.labels.end(), 0));
}

TEST_F(Evaluate, ProgressReachesTheTotal) {
  int64_t last = 0, calls = 0;
  EvaluateOptions options{.batch = 10};
  options.progress = [&](int64_t done, int64_t total) {
    EXPECT_EQ(total, 37);
    EXPECT_GE(done, last);
    last = done;
    ++calls;
  };
  run(many_points(network_), options);
  EXPECT_EQ(last, 37);
  EXPECT_GT(calls, 4);
}

template <typename Call>
std::string input_error(const Call& call) {
  try {
    call();
  } catch (const InputError& e) {
    return e.what();
  }
  return "no InputError";
}

TEST_F(Evaluate, ErrorsNameWhatIsWrong) {
  const auto point = ideal_point(network_);
  Dataset wide = toy_dataset(2);
  wide.w = 6;
  wide.h = 24;
  EXPECT_NE(input_error([&] { evaluate(*backend_, network_, wide, {point}, {}); }).find("24x6"),
            std::string::npos);
  Dataset label = toy_dataset(2);
  label.labels[1] = 5;
  EXPECT_NE(input_error([&] { evaluate(*backend_, network_, label, {point}, {}); }).find("a label is 5"),
            std::string::npos);
  const auto tight =
      uniform_point(network_, settings(4, "uniform", 3, Encoding::kTwosComplement, "whole-kernel"), false);
  EXPECT_NE(input_error([&] { run({tight}); }).find("layer conv1"), std::string::npos);
  const auto lossy = uniform_point(network_, settings(10, "uniform", 2), false);
  EXPECT_NE(input_error([&] { run({lossy}, {.kernel = "integer"}); }).find("integer"), std::string::npos);
  EXPECT_NE(input_error([&] { run({lossy}, {.kernel = "nonsense"}); }).find("nonsense"), std::string::npos);
  EXPECT_NE(input_error([&] { QuantisedNetwork(*backend_, toy_checkpoint(), 9, 4); }).find("--wbits 9"),
            std::string::npos);
  EXPECT_NE(input_error([&] { QuantisedNetwork(*backend_, toy_checkpoint(), 4, 9); }).find("--abits 9"),
            std::string::npos);
}

TEST_F(Evaluate, BitWidthsOverrideTheCheckpoint) {
  const QuantisedNetwork narrow(*backend_, toy_checkpoint(), 2, 3);
  EXPECT_EQ(narrow.weight_bits(), 2);
  for (const QuantisedLayer& layer : narrow.layers())
    for (const int8_t code : layer.codes) EXPECT_TRUE(code >= -1 && code <= 1);
  const auto points = std::vector{ideal_point(narrow)};
  const auto result = evaluate(*backend_, narrow, dataset_, points, {.logits = true})[0];
  EXPECT_EQ(result.logits, plain_logits(narrow, dataset_, points[0], dataset_.count));
}

}  // namespace
}  // namespace sramsim::test
