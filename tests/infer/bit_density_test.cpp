// Set input bits against a walk over every window, and in the statistics of an evaluation.
#include "host/infer/bit_density.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "host/infer/evaluate.h"
#include "kernels/core/quantise.h"
#include "tests/infer/toy_network.h"

namespace sramsim {
namespace {

TEST(BitDensity, AgreesWithEveryWindow) {
  std::mt19937 random(7);
  for (const auto& [stride, padding, channels] :
       {std::array{1, 0, 3}, {1, 1, 8}, {2, 0, 20}, {2, 2, 3}, {3, 1, 17}}) {
    const ConvShape shape{
        .c = channels, .h = 7, .w = 6, .o = 2, .kh = 3, .kw = 3, .stride = stride, .padding = padding};
    std::vector<uint8_t> q(2 * shape.inputs());
    for (auto& code : q) code = static_cast<uint8_t>(random());  // all eight bits
    int64_t set = 0, all = 0;
    for (int n = 0; n < 2; ++n)
      for (int oy = 0; oy < shape.out_h(); ++oy)
        for (int ox = 0; ox < shape.out_w(); ++ox)
          for (int ky = 0; ky < 3; ++ky)
            for (int kx = 0; kx < 3; ++kx)
              for (int c = 0; c < channels; ++c) {
                const int y = oy * stride + ky - padding, x = ox * stride + kx - padding;
                all += 8;
                if (y < 0 || y >= shape.h || x < 0 || x >= shape.w) continue;
                const int code = q[((n * shape.h + y) * shape.w + x) * shape.c + c];
                for (int bit = 0; bit < 8; ++bit) set += code >> bit & 1;
              }
    EXPECT_DOUBLE_EQ(measure_bit_density(shape, 8, q.data(), 2),
                     static_cast<double>(set) / static_cast<double>(all));
  }
  EXPECT_EQ(measure_bit_density({.c = 3, .h = 5, .w = 5, .o = 4}, 4, nullptr, 0), 0.0);
}

TEST(BitDensity, OfEveryLayerOfAnEvaluation) {
  const auto backend = make_cpu_backend(1);
  const QuantisedNetwork network(*backend, test::toy_checkpoint());
  const Dataset dataset = test::toy_dataset(20);
  const auto point =
      uniform_point(network, {8, "unrolled", Encoding::kTwosComplement, 1, {"uniform", 1, {}}}, false);
  const QuantisedLayer& first = network.layers()[0];
  std::vector<uint8_t> q;
  for (int i = 0; i < 7 * 12 * 12; ++i)
    q.push_back(static_cast<uint8_t>(
        activation_code(static_cast<float>(dataset.images[i]) / 255.0f, 1.0f, first.act_scale)));
  std::vector<double> expected;
  for (const int batch : {3, 64})
    for (const bool histograms : {true, false}) {
      const auto results = evaluate(*backend, network, dataset, {point, ideal_point(network)},
                                    {.batch = batch, .stats_images = 7, .histograms = histograms});
      std::vector<double> got;
      for (const PointResult& r : results)
        for (const LayerStatistics& s : r.layers) {
          EXPECT_EQ(s.images, 7);
          got.push_back(s.input_bit_density);
        }
      EXPECT_EQ(got[0], measure_bit_density(first.shape, 4, q.data(), 7));
      EXPECT_EQ(got[4], got[0]);  // the same input
      EXPECT_NE(got[5], got[1]);  // what a lossy first layer hands on
      for (const double density : got) EXPECT_TRUE(density > 0.0 && density < 1.0) << density;
      if (expected.empty()) expected = got;
      EXPECT_EQ(got, expected) << "batch " << batch;
      EXPECT_EQ(results[0].layers[0].rms_error > 0.0, histograms);
    }
}

}  // namespace
}  // namespace sramsim
