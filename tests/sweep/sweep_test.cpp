// Units of points computed together against points computed alone, failures, rows and their report.
#include "host/sweep/sweep.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "host/cost/cost_report.h"
#include "host/formats/csv.h"
#include "host/sweep/grid.h"
#include "host/sweep/report.h"
#include "kernels/core/error.h"
#include "tests/infer/toy_network.h"

namespace sramsim {
namespace {

class SweepRows : public testing::Test {
 protected:
  /// Lossy and lossless, on arrays and digital, with layers of their own: everything that may be shared.
  std::vector<SweepPoint> mixed_points() {
    Grid grid;
    grid.set("wbits", {"4", "3"});
    grid.set("map-linear", {"false", "true"});
    grid.set("subarray", {"10", "16", "4"});
    grid.set("adc-bits", {"1", "2", "3", "0"});
    grid.set("adc-mode", {"uniform", "saturating"});
    auto points = grid.points(specs_);
    grid.set("adc-bits", {"1", "2"}, "conv2");
    grid.set("subarray", {"10", "5"}, "fc1");
    grid.set("encoding", {"offset"});
    for (SweepPoint& p : grid.points(specs_)) points.push_back(std::move(p));
    return points;
  }

  std::vector<SweepResult> run(const std::vector<SweepPoint>& points, const std::vector<WorkUnit>& units,
                               const SweepOptions& options = {}) {
    const std::vector<std::string> keys(points.size());
    SweepRunner runner(*backend_, networks_, images_, points, keys, options);
    std::vector<SweepResult> all(points.size());
    for (const WorkUnit& unit : units) {
      const auto results = runner.run(unit);
      for (size_t i = 0; i < unit.size(); ++i) all[unit[i]] = results[i];
    }
    return all;
  }

  std::vector<WorkUnit> units_of(const std::vector<SweepPoint>& points, size_t most, size_t workers) {
    std::vector<size_t> all(points.size());
    std::iota(all.begin(), all.end(), size_t{0});
    unfit_.clear();
    return make_work_units(networks_, points, all, most, workers, unfit_);
  }

  std::unique_ptr<Backend> backend_ = make_cpu_backend(1);
  std::map<std::string, Checkpoint> checkpoints_{{"", test::toy_checkpoint()}};
  std::map<std::string, NetworkSpec> specs_{{"", checkpoints_[""].network}};
  SweepNetworks networks_{*backend_, checkpoints_};
  Dataset dataset_ = test::toy_dataset(30);
  ImagesInMemory images_{dataset_};
  std::map<size_t, std::string> unfit_;
};

TEST_F(SweepRows, EqualPointsEvaluatedAlone) {
  const auto points = mixed_points();
  SweepOptions options;
  options.evaluate.stats_images = 9;
  const auto units = units_of(points, 64, 1);
  EXPECT_LT(units.size(), points.size() / 4);
  const auto results = run(points, units, options);
  std::set<double> accuracies;
  for (size_t i = 0; i < points.size(); ++i) {
    const QuantisedNetwork& network = networks_.of(points[i]);
    const DesignPoint point = design_point(network, points[i]);
    const auto alone =
        evaluate(*backend_, network, dataset_, {point, ideal_point(network)}, {.stats_images = 9});
    EXPECT_EQ(results[i].point, points[i]);
    EXPECT_EQ(results[i].error, "");
    EXPECT_EQ(results[i].accuracy, alone[0].accuracy()) << describe(points[i]);
    EXPECT_EQ(results[i].ideal_accuracy, alone[1].accuracy()) << describe(points[i]);
    EXPECT_EQ(results[i].images, 30);
    CostOptions cost;
    for (const LayerStatistics& s : alone[0].layers) cost.bit_density.push_back(s.input_bit_density);
    EXPECT_EQ(results[i].cost->energy.total(),
              cost_of(network.spec(), point.layers, default_cost_table(), cost).energy.total())
        << describe(points[i]);
    accuracies.insert(results[i].accuracy);
  }
  EXPECT_GT(accuracies.size(), 2u);
}

TEST_F(SweepRows, UnitsDoNotChangeResults) {
  const auto points = mixed_points();
  const auto whole = run(points, units_of(points, 1000, 1));
  SweepOptions options;
  options.evaluate.batch = 7;
  for (const auto& units : {units_of(points, 1, 1), units_of(points, 3, 1), units_of(points, 64, 30)}) {
    const auto got = run(points, units, options);
    for (size_t i = 0; i < points.size(); ++i)
      EXPECT_EQ(got[i].accuracy, whole[i].accuracy) << describe(points[i]);
  }
}

TEST_F(SweepRows, UnitsHoldEveryPointOnceAndAreCutForMoreWorkers) {
  Grid grid;
  grid.set("subarray", {"4", "10", "16", "64"});  // 10 channels: 10, 16 and 64 rows hold the same
  grid.set("adc-bits", {"1", "2", "3", "4"});
  const auto points = grid.points(specs_);
  EXPECT_EQ(units_of(points, 64, 1).size(), 2u);
  EXPECT_EQ(units_of(points, 64, 1)[1].size(), 12u);
  EXPECT_EQ(units_of(points, 5, 1).size(), 1u + 3);
  EXPECT_EQ(units_of(points, 64, 7).size(), 7u);
  EXPECT_EQ(units_of(points, 64, 100).size(), 16u);
  std::set<size_t> seen;
  for (const WorkUnit& unit : units_of(points, 3, 7))
    for (const size_t p : unit) EXPECT_TRUE(seen.insert(p).second);
  EXPECT_EQ(seen.size(), points.size());

  SharedWork work;
  for (const WorkUnit& unit : units_of(points, 64, 1)) work += shared_work(networks_, points, unit);
  EXPECT_EQ(work.alone, 16 * 4);
  EXPECT_LT(work.passes, 40);
  EXPECT_NE(explain(networks_, points, units_of(points, 64, 1)[1]).find("12 points"), std::string::npos);
}

TEST_F(SweepRows, APointThatDoesNotFitIsToldApart) {
  Grid grid;
  grid.set("subarray", {"64", "8"});
  grid.set("mapping", {"whole-kernel"});  // 3x3 kernels need 9 rows
  const auto points = grid.points(specs_);
  EXPECT_EQ(units_of(points, 64, 1), (std::vector<WorkUnit>{{0}}));
  ASSERT_EQ(unfit_.size(), 1u);
  EXPECT_NE(unfit_[1].find("conv1"), std::string::npos) << unfit_[1];
}

TEST_F(SweepRows, AFailureStaysWithItsPoint) {
  Grid grid;
  grid.set("adc-bits", {"1", "0", "2"});
  const auto points = grid.points(specs_);
  SweepOptions options;
  options.evaluate.kernel = "integer";  // refuses converters that lose something
  const auto results = run(points, units_of(points, 64, 1), options);
  EXPECT_NE(results[0].error.find("integer"), std::string::npos) << results[0].error;
  EXPECT_EQ(results[1].error, "");
  EXPECT_EQ(results[1].accuracy, results[1].ideal_accuracy);
  EXPECT_NE(results[2].error, "");
  const SweepRow row = to_row(results[0]);
  EXPECT_TRUE(failed(row));
  EXPECT_EQ(row[column_index("accuracy")], "");
  EXPECT_TRUE(to_json(row)["accuracy"].is_null());
  EXPECT_FALSE(failed(to_row(results[1])));
}

/// Images that are there for the first pass only.
class LostImages final : public ImageSet {
 public:
  explicit LostImages(const Dataset& data)
      : ImageSet(data.count, data.h, data.w, data.labels), images_(data) {}
  std::unique_ptr<ImageReader> open() const override {
    if (opened_++ > 0) throw ImagesChanged("images: has changed while it was read");
    return images_.open();
  }

 private:
  ImagesInMemory images_;
  mutable int opened_ = 0;
};

TEST_F(SweepRows, ChangedImagesEndTheSweepInsteadOfFailingItsPoints) {
  const auto points = mixed_points();
  const std::vector<std::string> keys(points.size());
  const SweepOptions options;
  const LostImages images(dataset_);
  SweepRunner runner(*backend_, networks_, images, points, keys, options);
  const auto units = units_of(points, 4, 1);
  EXPECT_EQ(runner.run(units[0])[0].error, "");
  EXPECT_THROW(runner.run(units[1]), ImagesChanged);
}

TEST_F(SweepRows, ProgressReachesTheWholeUnit) {
  const auto points = mixed_points();
  const std::vector<std::string> keys(points.size());
  const SweepOptions options;
  SweepRunner runner(*backend_, networks_, images_, points, keys, options);
  double last = 0;
  runner.run(units_of(points, 64, 1)[0], [&](double share) {
    EXPECT_GE(share, last);
    last = share;
  });
  EXPECT_EQ(last, 1.0);
}

SweepRow row_of(int subarray, int bits, double accuracy, double nano_joule) {
  SweepResult r;
  r.point.array.subarray = subarray;
  r.point.array.adc.bits = bits;
  r.accuracy = accuracy;
  r.ideal_accuracy = 0.9;
  r.images = 1000;
  r.seconds = 1.5;
  r.device = "cpu (AVX-512, \"2\" threads)";
  r.key = "a-b-c";
  r.cost.emplace();
  r.cost->energy.adc = nano_joule * 1e-9;
  return to_row(r);
}

TEST(SweepColumns, HoldEverySettingTheResultAndTheCost) {
  std::vector<std::string> names;
  for (const SweepColumn& c : sweep_columns()) names.push_back(c.name);
  EXPECT_EQ(csv_line(names).rfind(
                "checkpoint,wbits,abits,map_linear,subarray,mapping,encoding,dac_bits,adc_bits,", 0),
            0u);
  for (const char* name : {"layer_settings", "accuracy", "ideal_accuracy", "images", "seconds", "device",
                           "status", "error", "adc_cost", "cost_table", "version", "schema_version", "key"})
    EXPECT_NO_THROW(column_index(name)) << name;
  for (const CostColumn& c : cost_columns()) EXPECT_NO_THROW(column_index(c.name));
  const SweepRow row = row_of(64, 3, 1.0 / 3, 5);
  EXPECT_EQ(row[column_index("accuracy")], "0.3333333333333333");
  const auto json = to_json(row);
  EXPECT_EQ(json["subarray"], 64);
  EXPECT_EQ(json["map_linear"], false);
  EXPECT_EQ(json["adc_range"], "occupied");
  EXPECT_EQ(json["accuracy"].get<double>(), 1.0 / 3);
  EXPECT_EQ(json["energy_nj"], 5);
  EXPECT_EQ(json["device"], "cpu (AVX-512, \"2\" threads)");
  EXPECT_EQ(json["status"], "ok");
}

TEST(SweepReport, TableShowsWhatVaries) {
  const std::vector<SweepRow> rows = {row_of(64, 3, 0.9871, 5), row_of(128, 3, 0.5, 4)};
  const std::string table = to_table(rows);
  EXPECT_NE(table.find("adc_bits 3"), std::string::npos);  // shared: on the line above
  EXPECT_NE(table.find("subarray  accuracy %"), std::string::npos) << table;
  EXPECT_NE(table.find("98.71"), std::string::npos);
}

TEST(SweepReport, BestRows) {
  const std::vector<SweepRow> rows = {row_of(64, 2, 0.898, 2),  row_of(64, 3, 0.9, 3),
                                      row_of(128, 3, 0.890, 4), row_of(128, 4, 0.895, 5),
                                      row_of(128, 5, 0.9, 6),   row_of(256, 0, 0.9, 9)};
  const BestRows best = best_rows(rows, 0.005);
  EXPECT_EQ(best.smallest_adc, &rows[3]);  // a loss of exactly 0.5 %; an ideal converter is none to build
  EXPECT_EQ(best.lowest_energy, &rows[0]);
  EXPECT_EQ(best_rows(rows, 0.0).smallest_adc, &rows[4]);
  EXPECT_EQ(best_rows(rows, 0.0).lowest_energy, &rows[1]);
  const std::vector<SweepRow> equal = {row_of(64, 3, 0.9, 3), row_of(64, 3, 0.9, 2), row_of(64, 3, 0.9, 4)};
  EXPECT_EQ(best_rows(equal, 0.0).smallest_adc, &equal[1]) << "energy tells what is equal otherwise";
  const std::string text = describe_best(rows, 0.005);
  EXPECT_NE(text.find("subarray 128, adc_bits 4: 89.50 %"), std::string::npos) << text;
  EXPECT_NE(describe_best(std::span(rows).first(1), 0.001).find("no point"), std::string::npos);
}

}  // namespace
}  // namespace sramsim
