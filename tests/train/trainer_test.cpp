// Whole runs: accuracy, reproducibility, resume, and what is left behind when a run ends early.
#include "host/train/trainer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "host/infer/evaluate.h"
#include "host/train/batches.h"
#include "host/util/interrupt.h"
#include "kernels/core/error.h"
#include "tests/formats/scratch.h"
#include "tests/train/small_network.h"

namespace sramsim {
namespace {

struct SmallRun {
  const Dataset train =
      test::slice(test::mnist(Split::kTrain), 0, 700);  // 700 = 5 batches of 128 and a short one
  const Dataset tests = test::slice(test::mnist(Split::kTest), 0, 300);
  Scratch folder;
  std::unique_ptr<Backend> backend = make_cpu_backend(2);

  TrainSettings settings() const {
    TrainSettings s;
    s.epochs = 3;
    s.alpha_init = "data";
    s.lr = 0.05;
    return s;
  }
  std::unique_ptr<Trainer> fresh(const TrainSettings& s) {
    return std::make_unique<Trainer>(*backend, test::small_network(), train, tests, s, folder.dir(), 2);
  }
  std::unique_ptr<Trainer> resumed(std::optional<int> epochs = {}) {
    return Trainer::resume(*backend, folder / "last.safetensors", train, tests, epochs, folder.dir(), 2);
  }
};

std::map<std::string, std::vector<std::byte>> tensors(Trainer& trainer) {
  std::map<std::string, std::vector<std::byte>> all;
  ParameterSet& parameters = trainer.network().parameters();
  for (int id = 0; id < parameters.size(); ++id) {
    all[parameters.at(id).name] = parameters.download_value(id).bytes;
    all["optimizer." + parameters.at(id).name] = parameters.download_momentum(id).bytes;
  }
  return all;
}

TEST(Trainer, TwoRunsAreEqualAndTheSeedMatters) {
  SmallRun a, b, c;
  TrainSettings s = a.settings();
  s.epochs = 1;
  const auto first = a.fresh(s), second = b.fresh(s);
  first->run({});
  second->run({});
  EXPECT_EQ(tensors(*first), tensors(*second));
  s.seed = 2;
  const auto other = c.fresh(s);
  other->run({});
  EXPECT_NE(tensors(*first), tensors(*other));
}

class ResumeAfter : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Trainer, ResumeAfter, testing::Values(1, 4, 6, 8, 12, 13));

/// Stops after this many steps (6 are an epoch), resumes from the file, stops once more, resumes.
TEST_P(ResumeAfter, GivesTheUninterruptedRunBitForBit) {
  SmallRun straight, broken;
  const auto whole = straight.fresh(straight.settings());
  whole->run({});

  int steps = 0;
  const TrainHooks stopping{.log = {}, .stop_requested = [&] { return ++steps == GetParam(); }};
  EXPECT_THROW(broken.fresh(broken.settings())->run(stopping), Interrupted);
  steps = GetParam() - 2;  // two more steps
  EXPECT_THROW(broken.resumed()->run(stopping), Interrupted);
  const auto last = broken.resumed();
  last->run({});

  EXPECT_EQ(tensors(*whole), tensors(*last));
  const auto& want = whole->state().history;
  const auto& got = last->state().history;
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got[i].loss, want[i].loss);
    EXPECT_EQ(got[i].train_accuracy, want[i].train_accuracy);
    EXPECT_EQ(got[i].test_accuracy, want[i].test_accuracy);
    EXPECT_EQ(got[i].alphas, want[i].alphas);
  }
  EXPECT_EQ(read_safetensors(straight.folder / "best.safetensors").tensors.at("conv2.weight").bytes,
            read_safetensors(broken.folder / "best.safetensors").tensors.at("conv2.weight").bytes);
  EXPECT_EQ(broken.folder.entries(), 3u);  // last, best, train.csv: no temporary file stays
}

TEST(Trainer, AFinishedRunCanBeLengthened) {
  SmallRun straight, grown;
  TrainSettings s = straight.settings();
  s.lr_steps = {1};
  const auto whole = straight.fresh(s);
  whole->run({});
  s.epochs = 2;
  grown.fresh(s)->run({});
  const auto longer = grown.resumed(3);
  longer->run({});
  EXPECT_EQ(tensors(*whole), tensors(*longer));
}

TEST(Trainer, ReportsTheAccuracyThatInferenceFinds) {
  SmallRun run;
  TrainSettings s = run.settings();
  s.epochs = 1;
  const auto trainer = run.fresh(s);
  trainer->run({});
  const QuantisedNetwork network(*run.backend, load_checkpoint(run.folder / "best.safetensors"));
  const auto result = evaluate(*run.backend, network, run.tests, {ideal_point(network)}, {});
  EXPECT_EQ(result[0].accuracy(), trainer->state().history[0].test_accuracy);
}

TEST(Trainer, LearnsMnistFromAFewThousandImages) {
  SmallRun run;
  const Dataset train = test::slice(test::mnist(Split::kTrain), 0, 4000);
  const Dataset tests = test::slice(test::mnist(Split::kTest), 0, 2000);
  TrainSettings s;
  s.epochs = 5;
  s.batch = 32;
  s.lr = 0.05;
  s.alpha_init = "data";
  Trainer trainer(*run.backend, test::small_network(), train, tests, s, run.folder.dir(), 2);
  trainer.run({});
  EXPECT_GT(trainer.state().best_accuracy, 0.88);  // six seeds gave 0.901 to 0.927
  EXPECT_LT(trainer.state().history.back().loss, trainer.state().history.front().loss);
}

TEST(Trainer, MseLearnsToo) {
  SmallRun run;
  TrainSettings s = run.settings();
  s.loss = "mse";
  s.epochs = 6;
  s.batch = 16;
  s.lr = 0.5;
  const auto trainer = run.fresh(s);
  trainer->run({});
  EXPECT_GT(trainer->state().best_accuracy, 0.5);
}

TEST(Trainer, DivergenceStopsWithOneLine) {
  SmallRun run;
  TrainSettings s = run.settings();
  s.lr = 1e30;
  const std::string line = error_of<RunError>([&] { run.fresh(s)->run({}); });
  EXPECT_NE(line.find("training diverged in epoch 1"), std::string::npos) << line;
  EXPECT_EQ(run.folder.entries(), 0u);
}

TEST(Trainer, FullDiskOrMissingFolderIsARunError) {
  SmallRun run;
  TrainSettings s = run.settings();
  s.epochs = 1;
  Trainer trainer(*run.backend, test::small_network(), run.train, run.tests, s, run.folder / "gone", 2);
  EXPECT_THROW(trainer.run({}), RunError);
}

TEST(Trainer, RefusesWhatDoesNotFit) {
  SmallRun run;
  Dataset other = run.train;
  other.h = 14;
  other.images.resize(static_cast<size_t>(other.count) * 14 * 28);
  EXPECT_ERROR_SAYS(
      Trainer(*run.backend, test::small_network(), other, run.tests, run.settings(), run.folder.dir(), 2),
      "14 x 28");
  NetworkSpec few = test::small_network();
  few.classes = few.layers.back().out = 5;
  EXPECT_ERROR_SAYS(Trainer(*run.backend, few, run.train, run.tests, run.settings(), run.folder.dir(), 2),
                    "5 classes");

  TrainSettings s = run.settings();
  s.epochs = 1;
  run.fresh(s)->run({});
  Dataset changed = run.train;
  changed.labels[3] ^= 1;
  EXPECT_ERROR_SAYS(Trainer::resume(*run.backend, run.folder / "last.safetensors", changed, run.tests, {},
                                    run.folder.dir(), 2),
                    "other training images");
  EXPECT_ERROR_SAYS(Trainer::resume(*run.backend, run.folder / "best.safetensors", run.train, run.tests, {},
                                    run.folder.dir(), 2),
                    "optimizer.");
}

TEST(TrainSettings, ChecksEveryValue) {
  const auto said = [](auto change) {
    return error_of([&] {
      TrainSettings s;
      change(s);
      s.resolve();
    });
  };
  EXPECT_NE(said([](auto& s) { s.epochs = 0; }).find("--epochs 0"), std::string::npos);
  EXPECT_NE(said([](auto& s) { s.lr = -1; }).find("--lr -1"), std::string::npos);
  EXPECT_NE(said([](auto& s) { s.momentum = 1; }).find("--momentum 1"), std::string::npos);
  EXPECT_NE(said([](auto& s) { s.loss = "l1"; }).find("--loss l1"), std::string::npos);
  EXPECT_NE(said([](auto& s) { s.alpha_init = "10x"; }).find("--alpha-init 10x"), std::string::npos);
  EXPECT_NE(said([](auto& s) { s.alpha_init = "0"; }).find("--alpha-init 0"), std::string::npos);
  EXPECT_NE(said([](auto& s) { s.backward = "fft"; }).find("fft"), std::string::npos);
  EXPECT_EQ(said([](auto&) {}), "");
}

TEST(TrainSettings, DefaultScheduleIsTheReferences) {
  TrainSettings s;
  s.resolve();
  EXPECT_EQ(s.lr_steps, (std::vector<int>{20, 25}));
  EXPECT_DOUBLE_EQ(s.rate(19), 0.1);
  EXPECT_DOUBLE_EQ(s.rate(20), 0.01);
  EXPECT_DOUBLE_EQ(s.rate(29), 0.001);
  TrainSettings half;
  half.epochs = 12;
  half.resolve();
  EXPECT_EQ(half.lr_steps, (std::vector<int>{8, 10}));
  const TrainSettings back = nlohmann::json(half).get<TrainSettings>();
  EXPECT_EQ(back, half);
}

TEST(Batches, OrderIsAPermutationOfSeedAndEpoch) {
  const auto a = shuffled_order(1000, 1, 0);
  EXPECT_EQ(std::set<int32_t>(a.begin(), a.end()).size(), 1000u);
  EXPECT_EQ(a, shuffled_order(1000, 1, 0));
  EXPECT_NE(a, shuffled_order(1000, 1, 1));
  EXPECT_NE(a, shuffled_order(1000, 2, 0));
  int fixed = 0;
  for (int i = 0; i < 1000; ++i) fixed += a[static_cast<size_t>(i)] == i;
  EXPECT_LT(fixed, 10);
}

TEST(Batches, LastBatchIsShort) {
  const Dataset data = test::slice(test::mnist(Split::kTrain), 0, 300);
  const auto backend = make_cpu_backend(1);
  BatchReader reader(*backend, data, 300, 128);
  std::vector<uint8_t> images(128 * 784), labels(128);
  EXPECT_EQ(reader.steps(), 3);
  reader.shuffle(1, 0);
  const auto order = shuffled_order(300, 1, 0);
  EXPECT_EQ(reader.load(2, images.data(), labels.data()), 44);
  EXPECT_EQ(labels[43], data.labels[static_cast<size_t>(order[299])]);
  EXPECT_TRUE(std::equal(images.begin(), images.begin() + 784, data.images.begin() + order[256] * 784));
}

}  // namespace
}  // namespace sramsim
