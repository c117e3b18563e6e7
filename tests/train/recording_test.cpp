// Recorded training steps, with a CPU backend that records by keeping the work: what is frozen and what is
// read anew must give the run that plain steps give.
#include <gtest/gtest.h>

#include "host/train/training_network.h"
#include "kernels/backend/cpu_backend.h"
#include "tests/train/small_network.h"

namespace sramsim {
namespace {

class RecordingBackend final : public CpuBackend {
 public:
  explicit RecordingBackend(bool refuses) : CpuBackend(1), refuses_(refuses) {}

  std::unique_ptr<Recording> record(const std::function<void()>& work, std::string* reason) override {
    ++recorded;
    *reason = "not today";
    if (refuses_) return nullptr;
    return std::make_unique<Kept>(work, &repeated);
  }

  int recorded = 0, repeated = 0;

 private:
  class Kept final : public Recording {
   public:
    Kept(std::function<void()> work, int* count) : work_(std::move(work)), count_(count) {}
    void run() override {
      ++*count_;
      work_();
    }

   private:
    std::function<void()> work_;
    int* count_;
  };

  bool refuses_;
};

/// Six steps of 16 images, a short one and an evaluation among them, the rate changing once.
std::vector<HostTensor> train(Backend& backend, std::vector<std::string>* notes) {
  TrainingNetwork network(backend, test::small_network(), {.max_batch = 16, .alpha_init = 1.0f});
  for (int step = 0; step < 7; ++step) {
    const int n = step == 4 ? 5 : 16;
    const Dataset data = test::slice(test::mnist(Split::kTrain), 16 * step, n);
    backend.upload(network.batch_images(), data.images.data(), data.images.size());
    backend.upload(network.batch_labels(), data.labels.data(), data.labels.size());
    network.train_step(n, static_cast<uint64_t>(step), {.lr = step < 5 ? 0.1f : 0.01f},
                       [&](const std::string& line) { notes->push_back(line); });
    if (step == 2) network.evaluate(n);
  }
  std::vector<HostTensor> values;
  for (int id = 0; id < network.parameters().size(); ++id)
    values.push_back(network.parameters().download_value(id));
  return values;
}

TEST(Recording, RepeatedStepsEqualPlainOnes) {
  std::vector<std::string> notes, none;
  CpuBackend plain(1);
  const auto want = train(plain, &none);
  EXPECT_TRUE(none.empty());
  for (const bool refuses : {false, true}) {
    RecordingBackend backend(refuses);
    const auto got = train(backend, &notes);
    ASSERT_EQ(got.size(), want.size());
    for (size_t id = 0; id < want.size(); ++id) EXPECT_EQ(got[id].bytes, want[id].bytes) << id;
    EXPECT_EQ(backend.recorded, refuses ? 1 : 2);  // once per rate; a refusal is not asked again
    EXPECT_EQ(backend.repeated, refuses ? 0 : 5);  // all but the first and the short one
  }
  EXPECT_NE(notes.back().find("not today"), std::string::npos);
}

}  // namespace
}  // namespace sramsim
