// A backend whose memory is short: inference goes on with smaller steps and gives the same numbers.
#include <gtest/gtest.h>

#include <map>

#include "host/infer/evaluate.h"
#include "kernels/backend/cpu_backend.h"
#include "kernels/core/error.h"
#include "tests/infer/toy_network.h"

namespace sramsim::test {
namespace {

class SmallBackend final : public CpuBackend {
 public:
  explicit SmallBackend(size_t bytes) : CpuBackend(1), left_(bytes) {}
  void* allocate(size_t bytes) override {
    if (bytes > left_) throw OutOfMemory("out of memory");
    void* data = CpuBackend::allocate(bytes);
    left_ -= bytes;
    sizes_[data] = bytes;
    return data;
  }
  void release(void* data) noexcept override {
    left_ += sizes_[data];
    sizes_.erase(data);
    CpuBackend::release(data);
  }
  void trim() override { ++trims; }
  int trims = 0;

 private:
  size_t left_;
  std::map<void*, size_t> sizes_;
};

TEST(ShortMemory, TheBatchIsHalvedUntilItFits) {
  const Dataset dataset = toy_dataset(37);
  CpuBackend large(1);
  const QuantisedNetwork network(large, toy_checkpoint());
  const std::vector<DesignPoint> points = {ideal_point(network)};
  const auto want = evaluate(large, network, dataset, points, {.logits = true})[0];

  SmallBackend small(200 << 10);
  const QuantisedNetwork fits(small, toy_checkpoint());
  std::vector<std::string> notes;
  EvaluateOptions options{.batch = 1000, .logits = true};
  options.note = [&](const std::string& line) { notes.push_back(line); };
  const auto got = evaluate(small, fits, dataset, points, options)[0];
  EXPECT_EQ(got.logits, want.logits);
  EXPECT_EQ(got.images, dataset.count);
  ASSERT_FALSE(notes.empty());
  EXPECT_EQ(small.trims, static_cast<int>(notes.size()));
  EXPECT_NE(notes[0].find("37 images does not fit, going on with 19"), std::string::npos) << notes[0];
}

TEST(ShortMemory, AStepOfOneImageMustFit) {
  SmallBackend small(64 << 10);
  const QuantisedNetwork network(small, toy_checkpoint());
  SmallBackend tiny(100);
  EXPECT_THROW(evaluate(tiny, network, toy_dataset(3), {ideal_point(network)}, {}), OutOfMemory);
}

}  // namespace
}  // namespace sramsim::test
