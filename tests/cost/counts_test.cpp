// Counts of a layer against hand-made sums, and against a walk over every cell and conversion.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>

#include "host/cost/cost.h"
#include "host/cost/layer_counts.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

// 3 channels of 5 x 5, 4 outputs, 3 x 3 kernel: 9 output pixels, 27 rows.
constexpr ConvShape kSmall{.c = 3, .h = 5, .w = 5, .o = 4, .kh = 3, .kw = 3, .stride = 1, .padding = 0};

LayerCounts count(const ConvShape& shape, int act_bits, int weight_bits, const ArraySettings& settings,
                  const ArrayGeometry& geometry) {
  return count_layer("layer", make_sram_spec(shape, act_bits, weight_bits, settings), settings.adc.bits,
                     geometry);
}

ArraySettings settings_of(int subarray, const char* mapping, Encoding encoding, int dac_bits) {
  ArraySettings settings;
  settings.subarray = subarray;
  settings.mapping = mapping;
  settings.encoding = encoding;
  settings.dac_bits = dac_bits;
  return settings;
}

TEST(LayerCounts, ShapeWiseByHand) {
  // Two row groups (2 channels, then 1) at each of 9 positions; 4 planes x 4 outputs = 16 columns.
  const auto c = count(kSmall, 3, 4, settings_of(2, "shape-wise", Encoding::kTwosComplement, 1),
                       {.columns = 10, .columns_per_adc = 4});
  EXPECT_EQ(c.row_groups, 18);
  EXPECT_EQ(c.columns_used, 16);
  EXPECT_EQ(c.column_tiles, 2);
  EXPECT_EQ(c.subarrays, 36);
  EXPECT_EQ(c.rows_used, 27);
  EXPECT_DOUBLE_EQ(c.row_use, 27.0 / 36);
  EXPECT_DOUBLE_EQ(c.column_use, 16.0 / 20);
  EXPECT_DOUBLE_EQ(c.utilisation, 0.6);
  EXPECT_EQ(c.adcs, 36 * 3);  // ceil(10 / 4) per subarray
  EXPECT_EQ(c.conversions_in_turn, 4);
  EXPECT_EQ(c.digits, 3);
  EXPECT_EQ(c.output_pixels, 9);
  EXPECT_EQ(c.bit_cycles, 27);
  EXPECT_EQ(c.array_activations, 27 * 36);
  EXPECT_EQ(c.adc_conversions, 27 * 18 * 16);
  EXPECT_EQ(c.shift_adds, c.adc_conversions);
  EXPECT_EQ(c.offset_adds, 0);
  EXPECT_EQ(c.accumulator_bits, 5 + 3 + 4 + 5);  // code, shifts, 18 groups
  EXPECT_EQ(c.input_bits, 9 * 27 * 3);
  EXPECT_EQ(c.stored_bits, 75 * 3);
  EXPECT_EQ(c.output_bits, 36 * 3);
  EXPECT_EQ(c.macs, 9 * 27 * 4);
  EXPECT_EQ(c.weight_bits, 4 * 27 * 4);
}

TEST(LayerCounts, UnrolledDifferentialRaggedByHand) {
  // 27 rows in groups of 10, 10 and 7; 2 x 3 planes x 4 outputs = 24 columns; 3 bits in steps of 2.
  const auto c = count(kSmall, 3, 4, settings_of(10, "unrolled", Encoding::kDifferential, 2),
                       {.columns = 10, .columns_per_adc = 8});
  EXPECT_EQ(c.row_groups, 3);
  EXPECT_EQ(c.columns_used, 24);
  EXPECT_EQ(c.column_tiles, 3);
  EXPECT_EQ(c.subarrays, 9);
  EXPECT_DOUBLE_EQ(c.utilisation, 27.0 / 30 * (24.0 / 30));
  EXPECT_EQ(c.adcs, 9 * 2);
  EXPECT_EQ(c.digits, 2);
  EXPECT_EQ(c.bit_cycles, 18);
  EXPECT_EQ(c.array_activations, 162);
  EXPECT_EQ(c.adc_conversions, 18 * 3 * 24);
}

TEST(LayerCounts, WholeKernelOffsetByHand) {
  // floor(20 / 9) = 2 channels in the first group, 1 in the second; all 3 bits in one step of 4.
  const auto c = count(kSmall, 3, 4, settings_of(20, "whole-kernel", Encoding::kOffset, 4),
                       {.columns = 128, .columns_per_adc = 32});
  EXPECT_EQ(c.row_groups, 2);
  EXPECT_EQ(c.column_tiles, 1);
  EXPECT_DOUBLE_EQ(c.utilisation, 27.0 / 40 * (16.0 / 128));
  EXPECT_EQ(c.conversions_in_turn, 16);  // only 16 columns hold weights
  EXPECT_EQ(c.digits, 1);
  EXPECT_EQ(c.bit_cycles, 9);
  EXPECT_EQ(c.array_activations, 18);
  EXPECT_EQ(c.adc_conversions, 9 * 2 * 16);
  EXPECT_EQ(c.offset_adds, 9 * (26 + 4));
}

TEST(LayerCounts, LosslessBitsCoverEveryPartialSum) {
  for (const auto& [rows, dac_bits, bits] :
       {std::array{1, 1, 1}, {27, 1, 5}, {31, 1, 5}, {32, 1, 6}, {27, 2, 7}}) {
    const ConvShape shape{.c = rows, .h = 1, .w = 1, .o = 2, .kh = 1, .kw = 1, .stride = 1, .padding = 0};
    const auto settings = settings_of(40, "unrolled", Encoding::kTwosComplement, dac_bits);
    EXPECT_EQ(lossless_bits(make_sram_spec(shape, 4, 4, settings)), bits)
        << rows << " rows, " << dac_bits << "-bit inputs";
  }
}

TEST(LayerCounts, DigitalLayerHasNoSubarrays) {
  const auto c = count_digital_layer("fc", kSmall, 3, 4);
  EXPECT_FALSE(c.on_arrays);
  EXPECT_EQ(c.subarrays, 0);
  EXPECT_EQ(c.adc_conversions, 0);
  EXPECT_EQ(c.bit_cycles, 0);
  EXPECT_EQ(c.macs, 972);
}

/// Puts every weight bit into a cell and runs through every conversion, one by one.
void expect_walk_agrees(const SramConvSpec& spec, const ArrayGeometry& geometry, const LayerCounts& c) {
  std::set<std::array<int64_t, 2>> arrays;  // row group, column tile
  std::set<std::array<int64_t, 4>> cells;   // ..., row, column inside the subarray
  int64_t conversions = 0, activations = 0, most_in_turn = 0;
  for (int g = 0; g < spec.rows.groups(); ++g)
    for (int o = 0; o < spec.shape.o; ++o)
      for (int plane = 0; plane < spec.planes(); ++plane) {
        const int64_t column = int64_t{o} * spec.planes() + plane;
        arrays.insert({g, column / geometry.columns});
        for (int row = 0; row < spec.rows.rows(g); ++row)
          cells.insert({g, column / geometry.columns, row, column % geometry.columns});
      }
  std::vector<int64_t> per_adc(geometry.columns, 0);
  for (int64_t column = 0; column < std::min<int64_t>(c.columns_used, geometry.columns); ++column)
    most_in_turn = std::max(most_in_turn, ++per_adc[column / geometry.columns_per_adc]);
  for (int pixel = 0; pixel < spec.shape.out_h() * spec.shape.out_w(); ++pixel)
    for (int digit = 0; digit < spec.digits(); ++digit) {
      activations += static_cast<int64_t>(arrays.size());
      conversions += int64_t{spec.rows.groups()} * spec.shape.o * spec.planes();
    }
  EXPECT_EQ(c.subarrays, static_cast<int64_t>(arrays.size()));
  EXPECT_EQ(c.array_activations, activations);
  EXPECT_EQ(c.adc_conversions, conversions);
  EXPECT_EQ(c.adc_conversions, spec.conversions());
  EXPECT_EQ(c.conversions_in_turn, most_in_turn);
  const double all = static_cast<double>(arrays.size()) * spec.rows.subarray_rows * geometry.columns;
  EXPECT_NEAR(c.utilisation, static_cast<double>(cells.size()) / all, 1e-12);
}

TEST(LayerCounts, AgreeWithAWalkOverEveryCell) {
  std::mt19937 random(5);
  auto pick = [&](int low, int high) { return std::uniform_int_distribution(low, high)(random); };
  constexpr Encoding kEncodings[] = {Encoding::kTwosComplement, Encoding::kDifferential, Encoding::kOffset};
  constexpr const char* kMappings[] = {"shape-wise", "unrolled", "whole-kernel"};
  for (int round = 0; round < 200; ++round) {
    const int k = pick(1, 3);
    const ConvShape shape{.c = pick(1, 9),
                          .h = pick(3, 6),
                          .w = pick(3, 7),
                          .o = pick(1, 7),
                          .kh = k,
                          .kw = k,
                          .stride = pick(1, 2),
                          .padding = pick(0, k - 1)};
    const auto settings =
        settings_of(pick(k * k, 40), kMappings[pick(0, 2)], kEncodings[pick(0, 2)], pick(1, 5));
    const ArrayGeometry geometry{.columns = pick(1, 40), .columns_per_adc = pick(1, 12)};
    const auto spec = make_sram_spec(shape, pick(1, 8), pick(2, 8), settings);
    SCOPED_TRACE(round);
    expect_walk_agrees(spec, geometry, count_layer("layer", spec, 5, geometry));
  }
}

}  // namespace
}  // namespace sramsim
