// The probe itself, on the emulator: it must run clean and depend on its input, or the comparison on a device
// would prove nothing.
#include <gtest/gtest.h>

#include <set>

#include "tests/cases.h"
#include "tests/cuda/ptx_probe.h"

namespace sramsim {
namespace {

TEST(PtxProbe, EveryResultDependsOnTheInput) {
  std::vector<std::set<uint32_t>> seen(48);
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    cases::Random random(seed);
    std::vector<uint32_t> in(32 * 16);
    std::vector<Unit> units(32);
    for (uint32_t& word : in) word = static_cast<uint32_t>(random.next());
    for (Unit& unit : units)
      for (uint32_t& word : unit.word) word = static_cast<uint32_t>(random.next());
    const std::vector<uint32_t> out = probe::run_on_emulator(in, units, true);
    for (size_t k = 0; k < out.size(); ++k) seen[k % 48].insert(out[k]);
  }
  constexpr int kResults = 35;  // the rest is unused and zero
  for (int k = 0; k < kResults; ++k) EXPECT_GT(seen[k].size(), 1u) << "result " << k;
  for (int k = kResults; k < 48; ++k) EXPECT_EQ(seen[k], std::set<uint32_t>{0}) << "result " << k;
}

}  // namespace
}  // namespace sramsim
