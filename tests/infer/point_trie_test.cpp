// What the trie shares: that sweeps are fast rests on it.
#include "host/infer/point_trie.h"

#include <gtest/gtest.h>

#include "tests/infer/toy_network.h"

namespace sramsim::test {
namespace {

class Trie : public testing::Test {
 protected:
  std::unique_ptr<Backend> backend_ = make_cpu_backend(1);
  QuantisedNetwork network_{*backend_, toy_checkpoint()};

  DesignPoint point(int subarray, int bits, const char* mode = "uniform") {
    ArraySettings s;
    s.subarray = subarray;
    s.adc.bits = bits;
    s.adc.mode = mode;
    return uniform_point(network_, s, false);
  }
};

TEST_F(Trie, SettingsOfEqualEffectShareEverything) {
  // conv1 has one channel: every shape-wise partial sum is 0 or 1, lossless at any width. conv2 has 10
  // channels: 4 bits cover 0..10, and R = 10 holds the same rows as R = 4096.
  const PointTrie trie(network_,
                       {ideal_point(network_), point(10, 0), point(10, 4), point(4096, 4), point(64, 8)}, {});
  EXPECT_EQ(trie.leaves(), 1);
  EXPECT_EQ(trie.nodes().size(), 5u);
  for (int p = 1; p < 5; ++p) EXPECT_EQ(trie.path(p), trie.path(0));
}

TEST_F(Trie, OnlyTheConverterDiffersIsOnePass) {
  const PointTrie trie(network_, {point(10, 1), point(10, 2), point(10, 3), point(4, 2), point(128, 3)}, {});
  EXPECT_EQ(trie.leaves(), 4);                   // R = 128 is R = 10 here
  EXPECT_EQ(trie.nodes()[0].passes.size(), 1u);  // conv1 is common
  const auto& conv2 = trie.nodes()[static_cast<size_t>(trie.path(0)[1])];
  EXPECT_EQ(conv2.passes.size(), 2u);  // row groups of 10, and of 4+4+2
  EXPECT_EQ(conv2.passes[0].spec.adcs.size(), 3u);
  EXPECT_EQ(trie.widest_pass(1), 3);
  EXPECT_EQ(trie.path(2), trie.path(4));
}

TEST_F(Trie, LosslessConvertersStandAlone) {
  const PointTrie trie(network_, {point(10, 2), point(10, 4), point(10, 3)}, {});
  const auto& conv2 = trie.nodes()[static_cast<size_t>(trie.path(0)[1])];
  ASSERT_EQ(conv2.passes.size(), 2u);
  for (const TriePass& pass : conv2.passes)
    for (const AdcTable& adc : pass.spec.adcs) EXPECT_EQ(adc.lossless(), pass.spec.adcs.size() == 1);
}

TEST_F(Trie, PassesAreCutAtTheLimit) {
  const PointTrie trie(network_, {point(10, 1), point(10, 2), point(10, 3)}, {.max_adcs = 2});
  const auto& conv2 = trie.nodes()[static_cast<size_t>(trie.path(0)[1])];
  EXPECT_EQ(conv2.passes.size(), 2u);
  EXPECT_EQ(trie.widest_pass(1), 2);
}

TEST_F(Trie, LaterLayersBranchFromCommonBeginnings) {
  DesignPoint a = ideal_point(network_), b = ideal_point(network_);
  a.layers[3] = ArraySettings{4, "shape-wise", {}, 1, {"saturating", 1, {}}};
  b.layers[3] = ArraySettings{8, "shape-wise", {}, 1, {"saturating", 1, {}}};
  const PointTrie trie(network_, {a, b, ideal_point(network_)}, {});
  EXPECT_EQ(trie.leaves(), 3);
  EXPECT_EQ(trie.nodes().size(), 4u + 3u);
  EXPECT_EQ(trie.path(0)[3], trie.path(1)[3]);
}

TEST_F(Trie, ForcedKernelKeepsArraysApartFromDigital) {
  const PointTrie trie(network_, {ideal_point(network_), point(10, 0)}, {.kernel = "reference"});
  EXPECT_EQ(trie.leaves(), 2);
}

TEST_F(Trie, EveryPointHasItsPass) {
  PointTrie trie(network_, {point(10, 1), point(4, 2), ideal_point(network_)}, {});
  trie.make_plans(*backend_, network_);
  for (int p = 0; p < 3; ++p)
    for (int l = 0; l < 4; ++l) {
      EXPECT_NE(trie.pass(p, l).plan, nullptr);
      EXPECT_FALSE(trie.pass(p, l).kernel.empty());
    }
}

}  // namespace
}  // namespace sramsim::test
