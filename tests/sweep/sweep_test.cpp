// Grids, rows and their reports.
#include "host/sweep/sweep.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "host/sweep/array_axes.h"
#include "host/sweep/report.h"
#include "kernels/core/error.h"
#include "tests/infer/toy_network.h"

namespace sramsim {
namespace {

Grid small_grid() {
  Grid grid;
  grid.weight_bits = {4, 3};
  grid.map_linear = {false, true};
  grid.array_values[0] = {"10", "4"};           // subarray
  grid.array_values[4] = {"1", "2", "3", "0"};  // adc-bits
  return grid;
}

TEST(ArrayAxes, EveryAxisReadsBackWhatItPrints) {
  std::set<std::string> names;
  for (const ArrayAxis& axis : array_axes()) {
    EXPECT_TRUE(names.insert(axis.name).second) << axis.name;
    EXPECT_FALSE(axis.help().empty());
    ArraySettings settings;
    axis.parse(settings, axis.text(settings));
    EXPECT_EQ(settings, ArraySettings{}) << axis.name;
    try {
      axis.parse(settings, "nonsense");
      ADD_FAILURE() << axis.name << " takes anything";
    } catch (const InputError& e) {
      EXPECT_NE(std::string(e.what()).find(std::string("--") + axis.name), std::string::npos) << e.what();
    }
  }
}

TEST(Grid, IsTheProductOfItsLists) {
  const Grid grid = small_grid();
  const auto points = grid.points();
  ASSERT_EQ(points.size(), 2u * 2 * 2 * 4);
  EXPECT_EQ(grid.size(), points.size());
  for (size_t i = 0; i < points.size(); ++i)
    for (size_t j = 0; j < i; ++j) EXPECT_FALSE(points[i] == points[j]);
  EXPECT_EQ(points[0].weight_bits, 4);
  EXPECT_EQ(points[1].array.adc.bits, 2);  // the last list varies fastest
  EXPECT_EQ(points.back().weight_bits, 3);
  EXPECT_EQ(points.back().array.subarray, 4);
}

class SweepRows : public testing::Test {
 protected:
  std::unique_ptr<Backend> backend_ = make_cpu_backend(1);
  Checkpoint checkpoint_ = test::toy_checkpoint();
  Dataset dataset_ = test::toy_dataset(60);
};

TEST_F(SweepRows, EqualPointsEvaluatedAlone) {
  const auto points = small_grid().points();
  size_t reported = 0;
  SweepOptions options;
  options.points_per_pass = 5;
  options.on_rows = [&](std::span<const SweepRow> rows) {
    EXPECT_GT(rows.size(), reported);
    reported = rows.size();
  };
  const auto rows = run_sweep(*backend_, checkpoint_, dataset_, points, options);
  ASSERT_EQ(rows.size(), points.size());
  EXPECT_EQ(reported, points.size());
  std::set<double> accuracies;
  for (size_t i = 0; i < rows.size(); ++i) {
    const QuantisedNetwork network(*backend_, checkpoint_, points[i].weight_bits, points[i].act_bits);
    const auto alone =
        evaluate(*backend_, network, dataset_,
                 {uniform_point(network, points[i].array, points[i].map_linear), ideal_point(network)}, {});
    EXPECT_EQ(rows[i].point, points[i]);
    EXPECT_EQ(rows[i].accuracy, alone[0].accuracy()) << describe(points[i]);
    EXPECT_EQ(rows[i].ideal_accuracy, alone[1].accuracy()) << describe(points[i]);
    EXPECT_EQ(rows[i].images, 60);
    accuracies.insert(rows[i].accuracy);
  }
  EXPECT_GT(accuracies.size(), 2u);
}

TEST_F(SweepRows, PassesDoNotChangeRows) {
  const auto points = small_grid().points();
  const auto whole = run_sweep(*backend_, checkpoint_, dataset_, points, {});
  SweepOptions options;
  options.points_per_pass = 1;
  options.evaluate.batch = 7;
  const auto single = run_sweep(*backend_, checkpoint_, dataset_, points, options);
  for (size_t i = 0; i < points.size(); ++i) EXPECT_EQ(single[i].accuracy, whole[i].accuracy);
}

TEST_F(SweepRows, ProgressCountsImagesOverAllPasses) {
  SweepOptions options;
  options.points_per_pass = 6;
  int64_t last = 0, whole = 0;
  options.evaluate.progress = [&](int64_t done, int64_t total) {
    EXPECT_GE(done, last);
    last = done;
    whole = total;
  };
  run_sweep(*backend_, checkpoint_, dataset_, small_grid().points(), options);
  EXPECT_EQ(whole, 60 * 6);  // 16 points per bit width in passes of 6, 6, 4
  EXPECT_EQ(last, whole);
}

TEST_F(SweepRows, APointThatDoesNotFitIsNamedBeforeAnyWork) {
  Grid grid;
  grid.array_values[0] = {"64", "8"};
  grid.array_values[1] = {"whole-kernel"};  // 3x3 kernels need 9 rows
  bool worked = false;
  SweepOptions options;
  options.evaluate.progress = [&](int64_t, int64_t) { worked = true; };
  try {
    run_sweep(*backend_, checkpoint_, dataset_, grid.points(), options);
    FAIL() << "R = 8 holds no 3x3 kernel";
  } catch (const InputError& e) {
    EXPECT_NE(std::string(e.what()).find("subarray=8"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("conv1"), std::string::npos) << e.what();
  }
  EXPECT_FALSE(worked);
}

std::vector<SweepRow> two_rows() {
  SweepRow a;
  a.accuracy = 0.9871;
  a.ideal_accuracy = 1.0 / 3;
  a.images = 10000;
  a.seconds = 1.5;
  a.device = "cpu (AVX-512, \"2\" threads)";
  SweepRow b = a;
  b.point.array.subarray = 64;
  b.point.array.adc.range = {AdcRange::Kind::kNumber, 12.5};
  return {a, b};
}

TEST(SweepReport, CsvHoldsEverySettingAndQuotes) {
  std::istringstream csv(to_csv(two_rows()));
  std::string header, first, second, none;
  std::getline(csv, header);
  std::getline(csv, first);
  std::getline(csv, second);
  EXPECT_FALSE(std::getline(csv, none));
  EXPECT_EQ(header,
            "wbits,abits,map_linear,subarray,mapping,encoding,dac_bits,adc_bits,adc_mode,adc_range,accuracy,"
            "ideal_accuracy,images,seconds,device");
  EXPECT_EQ(first,
            "4,4,false,128,shape-wise,twos-complement,1,5,uniform,occupied,0.9871,0.3333333333333333,10000,1."
            "500000,"
            "\"cpu (AVX-512, \"\"2\"\" threads)\"");
  EXPECT_NE(second.find("64,shape-wise,twos-complement,1,5,uniform,12.5,"), std::string::npos);
}

TEST(SweepReport, JsonRowsHoldTheSameValues) {
  const auto rows = to_json_rows(two_rows());
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["accuracy"].get<double>(), 0.9871);
  EXPECT_EQ(rows[0]["map_linear"], false);
  EXPECT_EQ(rows[1]["subarray"], 64);
  EXPECT_EQ(rows[1]["adc_range"], "12.5");
  EXPECT_EQ(rows[0]["device"], "cpu (AVX-512, \"2\" threads)");
}

TEST(SweepReport, TableShowsWhatVaries) {
  const std::string table = to_table(two_rows());
  EXPECT_NE(table.find("adc_bits 5"), std::string::npos);  // shared: on the line above
  EXPECT_NE(table.find("subarray  adc_range  accuracy %"), std::string::npos) << table;
  EXPECT_NE(table.find("98.71"), std::string::npos);
}

}  // namespace
}  // namespace sramsim
