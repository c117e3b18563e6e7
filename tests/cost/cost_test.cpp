// Energy, latency and area of networks: sums by hand, and how they must move with the settings.
#include "host/cost/cost.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "host/cost/cost_report.h"
#include "models/seed_network.h"
#include "tests/formats/scratch.h"

namespace sramsim {
namespace {

ArraySettings settings_of(int subarray, int adc_bits) {
  ArraySettings settings;
  settings.subarray = subarray;
  settings.adc.bits = adc_bits;
  return settings;
}

CostReport cost_of_seed(const ArraySettings& settings, const CostOptions& options = {},
                        bool map_linear = false, const CostTable& table = default_cost_table()) {
  const NetworkSpec network = seed_network();
  return cost_of(network, uniform_settings(network, settings, map_linear), table, options);
}

/// Entries that are easy to count with: 1 fJ, 1 ns, 1 um2 each, one converter = 100 fJ * bits.
CostTable round_table() {
  std::string text;
  for (const char* name : {"bitline", "wordline"})
    text += std::string("array.") + name + " = { value = 1, unit = \"fJ\", source = \"test\" }\n";
  for (const char* name : {"cell_area", "compute_area", "row_area"})
    text += std::string("array.") + name + " = { value = 1, unit = \"um2\", source = \"test\" }\n";
  return parse_cost_table(text + R"(
array.settle_time = { value = 1, unit = "ns", source = "test" }
dac.per_bit = { value = 1, unit = "fJ", source = "test" }
adc.time_per_bit = { value = 1, unit = "ns", source = "test" }
adc.time_per_bit_row = { value = 0, unit = "ns", source = "test" }
adc.area_zero_bits = { value = 1, unit = "um2", source = "test" }
adc.area_growth = { value = 2, unit = "1", source = "test" }
adc.murmann.k1 = { value = 100, unit = "fJ", source = "test" }
adc.murmann.k2 = { value = 0, unit = "fJ", source = "test" }
logic.adder_energy = { value = 1, unit = "fJ", source = "test" }
logic.register_energy = { value = 1, unit = "fJ", source = "test" }
logic.adder_area = { value = 1, unit = "um2", source = "test" }
logic.register_area = { value = 1, unit = "um2", source = "test" }
buffer.energy = { value = 1, unit = "fJ", source = "test" }
buffer.area = { value = 1, unit = "um2", source = "test" }
digital.multiply = { value = 64, unit = "fJ", source = "test" }
digital.add = { value = 1, unit = "fJ", source = "test" }
digital.weight_read = { value = 1, unit = "fJ", source = "test" }
digital.lanes = { value = 10, unit = "1", source = "test" }
digital.lane_area = { value = 1, unit = "um2", source = "test" }
digital.clock = { value = 1, unit = "GHz", source = "test" }
)",
                          "test");
}

/// 2 channels of 3 x 3, a 2 x 2 convolution to 3 channels (4 pixels), then a linear layer 12 -> 2.
NetworkSpec toy() {
  NetworkSpec network;
  network.name = "toy";
  network.c = 2;
  network.h = network.w = 3;
  network.classes = 2;
  network.weight_bits = 3;
  network.act_bits = 2;
  network.layers = {{.type = LayerType::kQConv, .name = "conv", .out = 3, .kernel = 2},
                    {.type = LayerType::kReLU},
                    {.type = LayerType::kFlatten},
                    {.type = LayerType::kQLinear, .name = "fc", .out = 2}};
  return network;
}

TEST(Cost, ToyNetworkByHand) {
  const NetworkSpec network = toy();
  const CostReport report = cost_of(
      network, uniform_settings(network, settings_of(2, 2), false), round_table(),
      {.geometry = {.columns = 4, .columns_per_adc = 2}, .adc_model = "", .bit_density = {0.25, 1.0}});
  ASSERT_EQ(report.layers.size(), 2u);
  const LayerCost& conv = report.layers[0];
  // 4 row groups of 2 rows, 9 columns in 3 tiles of 4: 12 subarrays; 4 pixels x 2 bits = 8 bit cycles.
  EXPECT_EQ(conv.counts.subarrays, 12);
  EXPECT_EQ(conv.counts.adc_conversions, 8 * 4 * 9);
  const double femto = 1e-15, micro2 = 1e-12;
  EXPECT_DOUBLE_EQ(conv.energy.adc, 288 * 200 * femto);
  EXPECT_DOUBLE_EQ(conv.energy.bitlines, 288 * 2 * femto);
  EXPECT_DOUBLE_EQ(conv.energy.wordlines, 0.25 * (4 * 8 * 2) * 3 * 4 * femto);
  EXPECT_EQ(conv.energy.dacs, 0.0);
  EXPECT_DOUBLE_EQ(conv.energy.shift_add, 288 * (2 + 2 + 3 + 2) * 2 * femto);
  EXPECT_DOUBLE_EQ(conv.energy.buffers, (64 + 12 * 2) * femto);
  EXPECT_DOUBLE_EQ(conv.latency, 8 * (1e-9 + 2 * 2e-9));
  EXPECT_DOUBLE_EQ(conv.area.arrays, (12 * 2 * 4 * 2 + 12 * 2) * micro2);
  EXPECT_DOUBLE_EQ(conv.area.adcs, 24 * 4 * micro2);
  EXPECT_DOUBLE_EQ(conv.area.shift_add, 24 * 9 * 2 * micro2);
  EXPECT_DOUBLE_EQ(conv.area.buffers, 18 * 2 * micro2);

  const LayerCost& fc = report.layers[1];
  EXPECT_DOUBLE_EQ(fc.energy.digital, (24 * (2 * 3 + 1) + 24 * 3) * femto);  // 64 fJ * A * B / 64
  EXPECT_DOUBLE_EQ(fc.energy.buffers, (12 * 2 + 2 * 2) * femto);
  EXPECT_DOUBLE_EQ(fc.latency, 24 / 10e9);
  EXPECT_DOUBLE_EQ(fc.area.digital, 72 * micro2);
  EXPECT_DOUBLE_EQ(report.shared_area.digital, 10 * micro2);

  EXPECT_DOUBLE_EQ(report.energy.total(), conv.energy.total() + fc.energy.total());
  EXPECT_DOUBLE_EQ(report.area.total(), conv.area.total() + fc.area.total() + 10 * micro2);
  EXPECT_DOUBLE_EQ(report.latency, conv.latency + fc.latency);
  EXPECT_EQ(report.slowest_layer, conv.latency);
  EXPECT_DOUBLE_EQ(report.utilisation, 8.0 / 8 * (9.0 / 12));
}

TEST(Cost, InputConvertersAreForMultiBitInputsOnly) {
  const NetworkSpec network = toy();
  ArraySettings settings = settings_of(2, 2);
  settings.dac_bits = 2;
  const auto report = cost_of(network, uniform_settings(network, settings, false), round_table());
  EXPECT_DOUBLE_EQ(report.energy.dacs, 4 * 1 * 8 * 1 * 2 * 1e-15);  // pixels, digits, rows, tiles, bits
}

TEST(Cost, SeedNetworkByHand) {
  // conv2: 24 x 24 pixels x 4 bits, 9 row groups at R >= 128, 128 x 4 columns (design: 10.6 M conversions).
  const auto report = cost_of_seed(settings_of(128, 5));
  EXPECT_EQ(report.layers[1].counts.adc_conversions, 576 * 4 * 9 * 512);
  EXPECT_EQ(report.layers[1].counts.subarrays, 9 * 4);
  EXPECT_DOUBLE_EQ(report.layers[1].counts.utilisation, 1.0);
  EXPECT_EQ(report.layers[0].counts.adc_conversions, 676 * 4 * 9 * 512);
  EXPECT_EQ(report.adc_conversions, (576 + 676) * 4 * 9 * 512);
  const auto mapped = cost_of_seed(settings_of(128, 5), {}, true);
  EXPECT_EQ(mapped.layers[2].counts.adc_conversions, 4 * 36 * 512);  // 4608 rows
  EXPECT_EQ(mapped.energy.digital, 0.0);
  EXPECT_EQ(mapped.area.digital, 0.0);
}

TEST(Cost, IdealConvertersArePaidAsTheSmallestLosslessOnes) {
  // conv1 has one row per subarray, conv2 up to 100: all converters are alike, so both pay 7 bits.
  const auto ideal = cost_of_seed(settings_of(100, 0));
  const auto seven = cost_of_seed(settings_of(100, 7));
  EXPECT_EQ(ideal.layers[0].counts.adc_bits, 7);
  EXPECT_TRUE(ideal.layers[0].counts.adc_ideal);
  EXPECT_FALSE(seven.layers[0].counts.adc_ideal);
  EXPECT_EQ(ideal.energy.total(), seven.energy.total());
  EXPECT_EQ(ideal.latency, seven.latency);
  EXPECT_EQ(cost_of_seed(settings_of(128, 0)).layers[0].counts.adc_bits, 8);
}

TEST(Cost, GrowsWithConverterBits) {
  for (const char* model : {"murmann", "envelope", "survey"})
    for (int bits = 2; bits <= 10; ++bits) {
      CostOptions options;
      options.adc_model = model;
      const auto less = cost_of_seed(settings_of(128, bits - 1), options);
      const auto more = cost_of_seed(settings_of(128, bits), options);
      EXPECT_GT(more.energy.total(), less.energy.total()) << model << " " << bits;
      EXPECT_GT(more.latency, less.latency);
      EXPECT_EQ(more.adc_conversions, less.adc_conversions);
    }
}

TEST(Cost, TallerSubarraysConvertLess) {
  for (int rows = 16; rows < 128; rows *= 2)
    EXPECT_GT(cost_of_seed(settings_of(rows, 5)).adc_conversions,
              cost_of_seed(settings_of(2 * rows, 5)).adc_conversions);
}

TEST(Cost, SharingConvertersTradesLatencyForArea) {
  CostOptions few, many;
  few.geometry.columns_per_adc = 32;
  many.geometry.columns_per_adc = 4;
  const auto shared = cost_of_seed(settings_of(128, 5), few);
  const auto fast = cost_of_seed(settings_of(128, 5), many);
  EXPECT_GT(shared.latency, fast.latency);
  EXPECT_LT(shared.area.total(), fast.area.total());
  EXPECT_EQ(shared.energy.total(), fast.energy.total());
}

TEST(Cost, BitDensityMovesTheWordlinesAlone) {
  CostOptions sparse;
  sparse.bit_density = {0.1};
  const auto all = cost_of_seed(settings_of(128, 5));
  const auto tenth = cost_of_seed(settings_of(128, 5), sparse);
  EXPECT_DOUBLE_EQ(tenth.energy.wordlines, 0.1 * all.energy.wordlines);
  EXPECT_EQ(tenth.energy.adc, all.energy.adc);
  EXPECT_EQ(tenth.energy.bitlines, all.energy.bitlines);
  EXPECT_TRUE(tenth.bit_density_given);
  EXPECT_FALSE(all.bit_density_given);
}

TEST(Cost, CapacitancesScaleWithTheSquareOfTheSupply) {
  const auto table =
      parse_cost_table("process.supply = { value = 1.8, unit = \"V\", source = \"test\" }", "test");
  const auto low = cost_of_seed(settings_of(128, 5));
  const auto high = cost_of_seed(settings_of(128, 5), {}, false, table);
  EXPECT_DOUBLE_EQ(high.energy.adc, 4 * low.energy.adc);
  EXPECT_DOUBLE_EQ(high.energy.bitlines, 4 * low.energy.bitlines);
  EXPECT_EQ(high.energy.digital, low.energy.digital);  // given as energies
}

TEST(Cost, SaysWhatDoesNotFit) {
  const NetworkSpec network = seed_network();
  ArraySettings settings = settings_of(4, 5);
  settings.mapping = "whole-kernel";
  EXPECT_ERROR_SAYS(cost_of_seed(settings), "layer conv1: ");
  EXPECT_ERROR_SAYS(cost_of(network, {}, default_cost_table()), "0 layers given, the network has 4");
  CostOptions options;
  options.adc_model = "flash";
  EXPECT_ERROR_SAYS(cost_of_seed(settings_of(128, 5), options), "unknown ADC cost model 'flash'");
  options = {};
  options.geometry.columns = 0;
  EXPECT_ERROR_SAYS(cost_of_seed(settings_of(128, 5), options), "at least 1 column");
  options = {};
  options.bit_density = {0.5, 0.5};
  EXPECT_ERROR_SAYS(cost_of_seed(settings_of(128, 5), options), "2 bit densities");
  options.bit_density = {1.5};
  EXPECT_ERROR_SAYS(cost_of_seed(settings_of(128, 5), options), "bit density 1.5");
}

TEST(CostReport, JsonHoldsWhatTheColumnsSay) {
  const auto report = cost_of_seed(settings_of(64, 4));
  const auto j = to_json(report, default_cost_table());
  for (const CostColumn& column : cost_columns()) {
    ASSERT_TRUE(j["total"].contains(column.name)) << column.name;
    EXPECT_NEAR(j["total"][column.name].get<double>() / std::stod(format_cost(column, report)), 1.0, 1e-5);
  }
  EXPECT_DOUBLE_EQ(j["total"]["energy_nj"], report.energy.total() * 1e9);
  EXPECT_DOUBLE_EQ(j["total"]["latency_us"], report.latency * 1e6);
  EXPECT_DOUBLE_EQ(j["total"]["area_mm2"], report.area.total() * 1e6);
  ASSERT_EQ(j["layers"].size(), 4u);
  EXPECT_EQ(j["layers"][0]["subarrays"], report.layers[0].counts.subarrays);
  EXPECT_EQ(j["layers"][2]["computed"], "digital");
  for (const CostEntry& entry : cost_entries()) {
    const auto& written = j["cost_table"]["entries"][entry.name];
    EXPECT_FALSE(written["source"].get<std::string>().empty()) << entry.name;
    EXPECT_FALSE(written["unit"].get<std::string>().empty()) << entry.name;
  }
}

TEST(CostReport, TextNamesWhatIsAssumed) {
  EXPECT_NE(to_text(cost_of_seed(settings_of(64, 4))).find("upper bound"), std::string::npos);
  EXPECT_NE(to_text(cost_of_seed(settings_of(64, 0))).find("smallest lossless"), std::string::npos);
  CostOptions options;
  options.bit_density = {0.05};
  const auto text = to_text(cost_of_seed(settings_of(64, 4), options));
  EXPECT_EQ(text.find("upper bound"), std::string::npos);
  EXPECT_EQ(text.find("smallest lossless"), std::string::npos);
}

}  // namespace
}  // namespace sramsim
