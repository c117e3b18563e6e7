// Layer statistics against partial sums counted one by one.
#include <gtest/gtest.h>

#include <cmath>

#include "host/infer/evaluate.h"
#include "kernels/core/quantise.h"
#include "tests/infer/toy_network.h"

namespace sramsim::test {
namespace {

/// A spec whose only use is its converter.
SramConvSpec converter(const AdcSettings& adc, int rows) {
  return make_sram_spec({.c = rows, .h = 1, .w = 1, .o = 1}, 4, 4, {rows, "shape-wise", {}, 1, adc});
}

TEST(LayerStatistics, HandMadeHistogramOfASaturatingConverter) {
  const auto spec = converter({"saturating", 2, {}}, 8);  // codes 0,1,2,3,3,3,... step 1
  const std::vector<uint64_t> counts = {10, 0, 4, 3, 2, 1, 0, 0, 0};
  LayerStatistics s;
  add_histogram(s, spec, counts, 2);
  EXPECT_EQ(s.images, 2);
  EXPECT_EQ(s.largest_partial_sum, 5u);
  EXPECT_DOUBLE_EQ(s.saturation_rate, 3.0 / 20);  // P = 3 has the largest code, and rightly so
  EXPECT_DOUBLE_EQ(s.rms_error, std::sqrt((2 * 1.0 + 1 * 4.0) / 20));
  EXPECT_DOUBLE_EQ(s.rms_error_lsb, s.rms_error);
  EXPECT_DOUBLE_EQ(s.mean_partial_sum, (8.0 + 9 + 8 + 5) / 20);
}

TEST(LayerStatistics, UniformConverterOverTheOccupiedRangeNeverSaturates) {
  for (const int rows : {9, 64, 100, 128})
    for (const int bits : {1, 2, 3, 5}) {
      const auto spec = converter({"uniform", bits, {}}, rows);
      LayerStatistics s;
      add_histogram(s, spec, std::vector<uint64_t>(static_cast<size_t>(rows) + 1, 1), 1);
      EXPECT_EQ(s.saturation_rate, 0.0) << rows << " rows, " << bits << " bits";
      EXPECT_EQ(s.rms_error > 0.0, !spec.adcs[0].lossless());
      EXPECT_LE(s.rms_error_lsb, 0.5);
      EXPECT_NEAR(s.rms_error, s.rms_error_lsb * std::max(1.0, rows / ((1 << bits) - 1.0)), 1e-12);
    }
}

TEST(LayerStatistics, NarrowRangeSaturatesFromHalfAStepAboveTheLargestCode) {
  const auto spec = converter({"uniform", 2, {AdcRange::Kind::kNumber, 6.0}}, 12);  // D = 2, codes up to 3
  LayerStatistics s;
  add_histogram(s, spec, std::vector<uint64_t>(13, 1), 1);
  // floor(P/2 + 1/2) >= 4 from P = 7.
  EXPECT_DOUBLE_EQ(s.saturation_rate, 6.0 / 13);
}

TEST(LayerHistograms, AreOneLinePerPartialSum) {
  const auto spec = converter({"uniform", 1, {AdcRange::Kind::kNumber, 3.0}}, 4);  // D = 3: half rounds up
  const std::vector<LayerHistogram> layers = {{"conv1", {7, 0, 5, 1, 2}, spec.adcs[0]}};
  EXPECT_EQ(to_csv(layers),
            "layer,partial_sum,count,code,step,full_scale\n"
            "conv1,0,7,0,3,3\nconv1,1,0,0,3,3\nconv1,2,5,1,3,3\nconv1,3,1,1,3,3\nconv1,4,2,1,3,3\n");
}

/// Partial sums of conv1 counted in the plainest way.
std::vector<uint64_t> counted_by_hand(const QuantisedNetwork& network, const Dataset& dataset,
                                      const SramConvSpec& spec, int images) {
  const QuantisedLayer& layer = network.layers()[0];
  const ConvShape& s = layer.shape;
  std::vector<uint64_t> counts(size_t{spec.p_max()} + 1);
  const auto code = [&](int n, int y, int x) {
    const float pixel =
        static_cast<float>(dataset.images[static_cast<size_t>((n * s.h + y) * s.w + x)]) / 255.0f;
    return activation_code(pixel, 1.0f, layer.act_scale);
  };
  for (int n = 0; n < images; ++n)
    for (int oh = 0; oh < s.out_h(); ++oh)
      for (int ow = 0; ow < s.out_w(); ++ow)
        for (int o = 0; o < s.o; ++o)
          for (int g = 0; g < spec.rows.groups(); ++g)
            for (int i = 0; i < spec.act_bits; ++i)
              for (int j = 0; j < spec.weight_bits; ++j) {
                size_t p = 0;
                for (int k = spec.rows.group_begin[static_cast<size_t>(g)];
                     k < spec.rows.group_begin[static_cast<size_t>(g) + 1]; ++k) {
                  const int at = spec.rows.segments[static_cast<size_t>(k)].position;  // one input channel
                  const int q = code(n, oh + at / s.kw, ow + at % s.kw);
                  const int c = layer.codes[static_cast<size_t>(o * s.positions() + at)];
                  p += static_cast<size_t>((q >> i & 1) & plane_bit(spec.encoding, spec.weight_bits, c, j));
                }
                ++counts[p];
              }
  return counts;
}

TEST(LayerStatistics, OfAnEvaluationEqualACountByHand) {
  const auto backend = make_cpu_backend(1);
  const QuantisedNetwork network(*backend, toy_checkpoint());
  const Dataset dataset = toy_dataset(20);
  const ArraySettings array{4, "unrolled", Encoding::kTwosComplement, 1, {"saturating", 1, {}}};
  const auto point = uniform_point(network, array, false);
  for (const int batch : {3, 64}) {
    const auto result = evaluate(*backend, network, dataset, {point}, {.batch = batch, .stats_images = 7})[0];
    const SramConvSpec spec = make_layer_spec(network, 0, array);
    LayerStatistics expected = describe_layer("conv1", spec);
    add_histogram(expected, spec, counted_by_hand(network, dataset, spec, 7), 7);
    const LayerStatistics& got = result.layers[0];
    EXPECT_EQ(got.images, 7);
    EXPECT_EQ(got.row_groups, 3);
    EXPECT_EQ(got.rows, 9);
    EXPECT_DOUBLE_EQ(got.utilisation, 9.0 / 12);
    EXPECT_EQ(got.conversions_per_image, 10 * 10 * 10 * 3 * 4 * 4);
    EXPECT_DOUBLE_EQ(got.saturation_rate, expected.saturation_rate);
    EXPECT_DOUBLE_EQ(got.rms_error, expected.rms_error);
    EXPECT_EQ(got.largest_partial_sum, expected.largest_partial_sum);
    EXPECT_GT(got.saturation_rate, 0.0);
    EXPECT_FALSE(result.layers[2].on_arrays);
    ASSERT_EQ(result.partial_sums.size(), 2u) << "linear layers are digital";
    EXPECT_EQ(result.partial_sums[0].layer, "conv1");
    EXPECT_EQ(result.partial_sums[0].counts, counted_by_hand(network, dataset, spec, 7));
    EXPECT_EQ(result.partial_sums[0].adc, spec.adcs[0]);
  }
}

TEST(LayerStatistics, LosslessLayersReportTheirArraysWithoutError) {
  const auto backend = make_cpu_backend(1);
  const QuantisedNetwork network(*backend, toy_checkpoint());
  const ArraySettings array{16, "shape-wise", Encoding::kOffset, 1, {"uniform", 8, {}}};
  const auto result = evaluate(*backend, network, toy_dataset(5), {uniform_point(network, array, true)},
                               {.stats_images = 100})[0];
  for (const LayerStatistics& s : result.layers) {
    EXPECT_TRUE(s.on_arrays);
    EXPECT_EQ(s.images, 5);
    EXPECT_EQ(s.saturation_rate, 0.0);
    EXPECT_EQ(s.rms_error, 0.0);
    EXPECT_GT(s.largest_partial_sum, 0u);
  }
  EXPECT_EQ(result.layers[1].row_groups, 9);
  EXPECT_EQ(result.layers[2].row_groups, 12);
}

TEST(LayerStatistics, NoneAreTakenUnlessAskedFor) {
  const auto backend = make_cpu_backend(1);
  const QuantisedNetwork network(*backend, toy_checkpoint());
  const auto result =
      evaluate(*backend, network, toy_dataset(5), {uniform_point(network, ArraySettings{}, false)}, {})[0];
  EXPECT_EQ(result.layers[0].images, 0);
  EXPECT_TRUE(result.partial_sums.empty());
  EXPECT_GT(result.layers[0].conversions_per_image, 0);
}

}  // namespace
}  // namespace sramsim::test
