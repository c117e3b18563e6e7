// Grids: their settings, their files, what they exclude.
#include "host/sweep/grid.h"

#include <gtest/gtest.h>

#include <set>

#include "host/sweep/array_axes.h"
#include "host/sweep/grid_file.h"
#include "kernels/core/error.h"
#include "tests/formats/scratch.h"
#include "tests/infer/toy_network.h"

namespace sramsim {
namespace {

const std::map<std::string, NetworkSpec> kNetworks = {{"", test::toy_checkpoint().network}};

TEST(ArrayAxes, EveryAxisReadsBackWhatItPrints) {
  std::set<std::string> names;
  for (const ArrayAxis& axis : array_axes()) {
    EXPECT_TRUE(names.insert(axis.name).second) << axis.name;
    EXPECT_FALSE(axis.help().empty());
    ArraySettings settings;
    axis.parse(settings, axis.text(settings));
    EXPECT_EQ(settings, ArraySettings{}) << axis.name;
    EXPECT_ERROR_SAYS(axis.parse(settings, "nonsense"), std::string("--") + axis.name);
  }
}

TEST(Grid, IsTheProductOfItsLists) {
  Grid grid;
  grid.set("wbits", {"4", "3"});
  grid.set("map-linear", {"false", "true"});
  grid.set("subarray", {"10", "4"});
  grid.set("adc-bits", {"1", "2", "03", "0"});
  const auto points = grid.points(kNetworks);
  ASSERT_EQ(points.size(), 2u * 2 * 2 * 4);
  for (size_t i = 0; i < points.size(); ++i)
    for (size_t j = 0; j < i; ++j) EXPECT_FALSE(points[i] == points[j]);
  EXPECT_EQ(points[0].weight_bits, 4);
  EXPECT_EQ(points[0].act_bits, 4) << "the network's";
  EXPECT_EQ(points[1].array.adc.bits, 2);  // the last list varies fastest
  EXPECT_EQ(points.back().weight_bits, 3);
  EXPECT_EQ(points.back().array.subarray, 4);
}

TEST(Grid, EqualPointsStandOnce) {
  Grid grid;
  grid.set("wbits", {"0", "4", "5"});  // 0 is the network's 4
  grid.set("adc-bits", {"5", "05", "5"});
  EXPECT_EQ(grid.points(kNetworks).size(), 2u);
}

TEST(Grid, EverySettingOfAPointIsAnAxis) {
  for (const PointSetting& setting : point_settings()) {
    Grid grid;
    grid.set(setting.name, {setting.value(SweepPoint{})});
    EXPECT_EQ(grid.points(kNetworks).size(), 1u) << setting.name;
  }
  Grid grid;
  EXPECT_ERROR_SAYS(grid.set("rows", {"1"}), "'rows' is no setting, choose one of checkpoint, wbits");
  EXPECT_ERROR_SAYS(grid.set("adc-bits", {"17"}), "--adc-bits '17'");
  EXPECT_ERROR_SAYS(grid.set("wbits", {"4"}, "conv1"), "whole network");
}

class GridFile : public testing::Test {
 protected:
  std::vector<SweepPoint> points(const std::string& text) {
    return load_grid(scratch_.write("grid.toml", text)).points(kNetworks);
  }
  Scratch scratch_;
};

TEST_F(GridFile, ListsAndRanges) {
  EXPECT_EQ(
      points("subarray = {from = 16, to = 512, times = 2}\nadc_bits = {from = 1, to = 8, step = 1}").size(),
      6u * 8);
  EXPECT_EQ(points("adc-bits = [{from = 3, to = 5}, 0]\nmap-linear = [true, false]").size(), 4u * 2);
  const auto ranges = points("adc-range = [\"array\", {from = 0.5, to = 1.1, step = 0.1}]");
  ASSERT_EQ(ranges.size(), 8u);
  EXPECT_EQ(ranges.back().array.adc.range.number, 1.1);
  EXPECT_EQ(points("").size(), 1u);
}

TEST_F(GridFile, Exclusions) {
  const auto left = points(
      "subarray = [16, 64]\nadc-bits = [2, 3, 0]\nadc-mode = [\"uniform\", \"saturating\"]\n"
      "[[exclude]]\nadc_bits = 0\nadc-mode = \"saturating\"\n"
      "[[exclude]]\nsubarray = 64\nadc-bits = {from = 2, to = 3}\n");
  EXPECT_EQ(left.size(), 5u + 1);  // 64 rows only with the ideal converter, which has one mode
  EXPECT_ERROR_SAYS(points("[[exclude]]\nadc-bits = 5"), "everything is excluded");
}

TEST_F(GridFile, SettingsOfSingleLayers) {
  const auto fixed = points("adc-bits = [2, 3]\n[layer.conv1]\nadc-bits = 6\n");
  ASSERT_EQ(fixed.size(), 2u);
  const auto backend = make_cpu_backend(1);
  const QuantisedNetwork network(*backend, test::toy_checkpoint());
  const DesignPoint point = design_point(network, fixed[1]);
  EXPECT_EQ(point.layers[0]->adc.bits, 6);
  EXPECT_EQ(point.layers[1]->adc.bits, 3);
  EXPECT_FALSE(point.layers[2]);
  EXPECT_EQ(describe_layers(fixed[1]), "conv1.adc-bits=6");

  const auto listed = points(
      "[layer.conv1]\nadc-bits = [4, 6]\n[layer.conv2]\nsubarray = [5, 6]\n"
      "[[exclude]]\nconv1.adc-bits = 4\n");
  EXPECT_EQ(listed.size(), 2u);
  EXPECT_EQ(points("[layer.conv1]\nadc-bits = [4, 6]\n[[exclude]]\nconv1.adc_bits = 4\n").size(), 1u);
}

TEST_F(GridFile, MistakesAreNamedWithTheirLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"subarray = 16\nrows = 3", "line 2: 'rows' is no setting"},
      {"adc-bits = 17", "line 1: --adc-bits '17'"},
      {"adc-bits = []", "list is empty"},
      {"adc-bits = [[1]]", "list in a list"},
      {"adc-bits = 1979-05-27", "must be a number"},
      {"adc-bits = {from = 1}", "from, to"},
      {"adc-bits = {from = 1, to = 3, by = 1}", "'by'"},
      {"adc-bits = {from = 1, to = 3, step = 0}", "'step'"},
      {"adc-bits = {from = 1, to = 3, times = 1}", "'times'"},
      {"adc-bits = {from = 3, to = 1}", "below 'from'"},
      {"adc-bits = {from = \"a\", to = 1}", "'from' of a range must be a number"},
      {"adc-range = {from = 1, to = 1e9, step = 1}", "range of more than"},
      {"adc-bits = {from = 1, to = 2, step = 0.5}", "'1.5'"},
      {"adc-bits = ", "line 1"},
      {"[layer]\nconv1 = 3", "line 2: [layer]"},
      {"[layer.conv9]\nadc-bits = 3", "[layer.conv9]: the layers of"},
      {"[layer.conv1]\nwbits = 3", "line 2: [layer.conv1]: 'wbits'"},
      {"exclude = 3", "[[exclude]]"},
      {"[[exclude]]\nadc = 3", "line 2: 'adc' is no setting"},
      {"[[exclude]]\n", "must name settings"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.first);
    EXPECT_ERROR_SAYS(points(c.first), c.second);
  }
  EXPECT_ERROR_SAYS(load_grid(scratch_ / "absent.toml"), "--grid");
}

TEST(GridExample, OfTheRepositoryIsReadable) {
  const Grid grid = load_grid(std::filesystem::path(SRAMSIM_SOURCE_DIR) / "scripts/grids/full.toml");
  EXPECT_GT(grid.points({{grid.values("checkpoint").front(), test::toy_checkpoint().network}}).size(), 500u);
}

}  // namespace
}  // namespace sramsim
