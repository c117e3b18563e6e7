// Workers of one process: the results of one worker, and how they end.
#include "host/sweep/workers.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <numeric>
#include <set>

#include "host/sweep/grid.h"
#include "kernels/core/error.h"
#include "tests/infer/toy_network.h"

namespace sramsim {
namespace {

class Workers : public testing::Test {
 protected:
  void SetUp() override {
    Grid grid;
    grid.set("wbits", {"4", "3"});
    grid.set("subarray", {"10", "5", "4", "2"});
    grid.set("adc-bits", {"1", "2", "3", "0"});
    points_ = grid.points({{"", checkpoints_.at("").network}});
    keys_.resize(points_.size());
    work_.points = points_, work_.keys = keys_;
    for (size_t p = 0; p < points_.size(); p += 2) units_.push_back({p, p + 1});
  }

  std::vector<SweepResult> run(int workers) {
    std::vector<SweepResult> all(points_.size());
    work_side_by_side(
        worker_places("cpu", workers, workers, 0), work_, units_,
        [&](const WorkUnit& unit, std::vector<SweepResult> results) {
          for (size_t i = 0; i < unit.size(); ++i) all[unit[i]] = std::move(results[i]);
        },
        [&](double points) { EXPECT_LE(points, 2.0 * workers); });
    return all;
  }

  std::map<std::string, Checkpoint> checkpoints_{{"", test::toy_checkpoint()}};
  Dataset dataset_ = test::toy_dataset(30);
  ImagesInMemory images_{dataset_};
  std::vector<SweepPoint> points_;
  std::vector<std::string> keys_;
  SweepOptions options_;
  std::vector<WorkUnit> units_;
  SweepWork work_{checkpoints_, images_, points_, keys_, options_};
};

TEST_F(Workers, GiveTheResultsOfOne) {
  const auto alone = run(1);
  std::set<double> accuracies;
  for (const SweepResult& result : alone) accuracies.insert(result.accuracy);
  EXPECT_GT(accuracies.size(), 2u);
  for (const int workers : {2, 3, 40}) {
    const auto got = run(workers);
    for (size_t p = 0; p < points_.size(); ++p) {
      EXPECT_EQ(got[p].point, points_[p]);
      EXPECT_EQ(got[p].error, "");
      EXPECT_EQ(got[p].accuracy, alone[p].accuracy) << describe(points_[p]);
      EXPECT_EQ(got[p].ideal_accuracy, alone[p].ideal_accuracy) << describe(points_[p]);
    }
  }
}

TEST_F(Workers, AnErrorOfTheReceiverEndsThem) {
  size_t units = 0;
  EXPECT_THROW(work_side_by_side(
                   worker_places("cpu", 2, 2, 0), work_, units_,
                   [&](const WorkUnit&, const std::vector<SweepResult>&) {
                     if (++units == 3) throw RunError("disk full");
                   },
                   [](double) {}),
               RunError);
  EXPECT_EQ(units, 3u);
}

TEST_F(Workers, OthersDoTheShareOfAWorkerWhoseDeviceFails) {
  std::vector<WorkerPlace> places{{"cuda:4000", 1}, {"cpu", 1}};
  std::string note;
  options_.evaluate.note = [&](const std::string& line) { note = line; };
  size_t units = 0;
  const auto count = [&](const WorkUnit&, const std::vector<SweepResult>&) { ++units; };
  work_side_by_side(places, work_, units_, count, [](double) {});
  EXPECT_EQ(units, units_.size());
  EXPECT_NE(note.find("cuda:4000"), std::string::npos) << note;

  places = {{"cuda:4000", 1}, {"cuda:4001", 1}};
  EXPECT_THROW(work_side_by_side(places, work_, units_, count, [](double) {}), RunError);
}

TEST(WorkerPlaces, DivideTheCores) {
  const auto one = worker_places("cpu", 5, 0, 0);
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].device, "cpu");
  EXPECT_EQ(one[0].threads, 5);
  const auto three = worker_places("cpu", 7, 3, 0);
  ASSERT_EQ(three.size(), 3u);
  for (const WorkerPlace& place : three) EXPECT_EQ(place.threads, 2);
  EXPECT_EQ(worker_places("cpu", 1, 2, 0)[1].threads, 1);
  const int before = omp_get_max_threads();
  omp_set_num_threads(6);  // as OMP_NUM_THREADS does
  EXPECT_EQ(worker_places("cpu", 0, 2, 0)[1].threads, 3);
  omp_set_num_threads(before);
}

TEST(WorkerPlaces, TakeTheGpusInTurn) {
  const auto devices = [](int wanted, int gpus) {
    std::string text;
    for (const WorkerPlace& place : worker_places("auto", 8, wanted, gpus)) text += place.device + " ";
    return text;
  };
  EXPECT_EQ(devices(0, 0), "auto ");
  EXPECT_EQ(devices(0, 1), "auto ");
  EXPECT_EQ(devices(0, 3), "cuda:0 cuda:1 cuda:2 ");
  EXPECT_EQ(devices(5, 2), "cuda:0 cuda:1 cuda:0 cuda:1 cuda:0 ");
  EXPECT_EQ(devices(1, 3), "auto ");  // the first alone
  EXPECT_EQ(worker_places("auto", 8, 0, 3)[2].threads, 2);
  EXPECT_EQ(usable_gpus("cpu"), 0);
}

}  // namespace
}  // namespace sramsim
