// The emulator itself: it must catch what it promises to catch, in small kernels and in the real ones, and it
// must not cry wolf.
#include "tests/emulator/block_emulator.h"

#include <gtest/gtest.h>

#include "kernels/sram_conv/variants.h"
#include "tests/cases.h"
#include "tests/emulator/emulated_kernels.h"

namespace sramsim {
namespace {

using emulator::Faults;
using emulator::KernelError;
using emulator::Launch;

/// The message of the error that a run ends with; empty if it ends well.
std::string error_of(const Launch& launch, const std::function<void()>& body) {
  try {
    emulator::run(launch, body);
  } catch (const KernelError& e) {
    return e.what();
  }
  return "";
}

testing::AssertionResult mentions(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos ? testing::AssertionSuccess()
                                              : testing::AssertionFailure() << "'" << text << "'";
}

/// Every thread writes its word, then reads its neighbour's.
void neighbour_kernel(bool barrier, std::vector<uint32_t>& out) {
  const auto t = static_cast<uint32_t>(ptx::thread_index()), n = static_cast<uint32_t>(ptx::block_size());
  ptx::shared_store(4 * t, 100 + t);
  if (barrier) ptx::block_sync();
  out[t] = ptx::shared_load(4 * ((t + 1) % n));
}

TEST(BlockEmulator, RunsThreadsAndBarriers) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<uint32_t> out(128);
    const emulator::Counts counts = emulator::run(
        {.grid_x = 2, .block = 128, .shared_bytes = 512, .seed = seed}, [&] { neighbour_kernel(true, out); });
    for (uint32_t t = 0; t < 128; ++t) EXPECT_EQ(out[t], 100 + (t + 1) % 128);
    EXPECT_EQ(counts.block_syncs, 1);
  }
}

TEST(BlockEmulator, CatchesAMissingBarrierUnderEverySchedule) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<uint32_t> out(64);
    EXPECT_NE(
        error_of({.block = 64, .shared_bytes = 256, .seed = seed}, [&] { neighbour_kernel(false, out); }),
        "");
  }
}

TEST(BlockEmulator, CatchesAnOverwriteOfWhatOthersStillRead) {
  const auto body = [](bool second) {
    const auto t = static_cast<uint32_t>(ptx::thread_index());
    ptx::shared_store(4 * t, t);
    ptx::block_sync();
    const uint32_t sum = ptx::shared_load(4 * ((t + 32) % 64));
    if (second) ptx::block_sync();
    ptx::shared_store(4 * t, sum);
  };
  EXPECT_EQ(error_of({.block = 64, .shared_bytes = 256}, [&] { body(true); }), "");
  for (uint64_t seed = 1; seed <= 20; ++seed)
    EXPECT_TRUE(mentions(error_of({.block = 64, .shared_bytes = 256, .seed = seed}, [&] { body(false); }),
                         "without a barrier"));
}

TEST(BlockEmulator, WarpBarriersOrderOnlyTheirWarp) {
  const auto body = [](int reach) {
    const auto t = static_cast<uint32_t>(ptx::thread_index());
    ptx::shared_store(4 * t, t);
    ptx::warp_sync();
    ptx::shared_load(4 * (t ^ static_cast<uint32_t>(reach)));
  };
  EXPECT_EQ(error_of({.block = 64, .shared_bytes = 256}, [&] { body(1); }), "");
  EXPECT_NE(error_of({.block = 64, .shared_bytes = 256}, [&] { body(32); }), "");
}

TEST(BlockEmulator, CopiesArriveOnlyWhenWaitedFor) {
  const std::vector<Unit> source = {{{1, 2, 3, 4}}, {{5, 6, 7, 8}}};
  const auto body = [&](bool wait, bool barrier, uint32_t& got) {
    const int t = ptx::thread_index();
    if (t < 2) ptx::copy_async_unit(16u * static_cast<uint32_t>(t), &source[t], t == 0);
    if (wait) ptx::copy_async_wait();
    if (barrier) ptx::block_sync();
    if (t == 32) got = ptx::shared_load(4) * 100 + ptx::shared_load(20);
  };
  uint32_t got = 0;
  EXPECT_EQ(error_of({.block = 64, .shared_bytes = 32}, [&] { body(true, true, got); }), "");
  EXPECT_EQ(got, 200u);  // the second copy was not valid: zeros
  EXPECT_NE(error_of({.block = 64, .shared_bytes = 32}, [&] { body(true, false, got); }), "");
  EXPECT_NE(error_of({.block = 64, .shared_bytes = 32}, [&] { body(false, true, got); }), "");
}

TEST(BlockEmulator, CatchesBadAddressesAndUnwrittenWords) {
  EXPECT_TRUE(mentions(error_of({.shared_bytes = 64}, [] { ptx::shared_load(64); }), "outside"));
  EXPECT_TRUE(mentions(error_of({.shared_bytes = 64}, [] { ptx::shared_load_unit(8); }), "misaligned"));
  EXPECT_TRUE(mentions(error_of({.shared_bytes = 64}, [] { ptx::shared_load(0); }), "nobody has written"));
}

TEST(BlockEmulator, CatchesDivergence) {
  EXPECT_TRUE(mentions(error_of({.block = 64},
                                [] {
                                  if (ptx::warp_index() == 0) ptx::block_sync();
                                }),
                       "stuck"));
  EXPECT_TRUE(mentions(error_of({.block = 32},
                                [] {
                                  if (ptx::lane_index() < 16)
                                    ptx::warp_any(true);
                                  else
                                    ptx::warp_sync();
                                }),
                       "another warp-wide instruction"));
}

// --- faults planted in the real kernels
// ----------------------------------------------------------------------------

struct PlantedRun {
  std::string error;  ///< what the emulator caught
  bool equal = false;
  emulator::Counts counts;
};

/// A case with several tiles per block, so that both buffers of the halo kernels are used more than once.
cases::SramCase planted_case() {
  cases::SramCase c;
  c.shape = {64, 9, 34, 32, 2, 2, 1, 0};
  c.n = 2;
  c.act_bits = 2;
  c.weight_bits = 2;
  c.subarray = 32;
  c.adcs = {{"uniform", 3, {}}};
  return c;
}

PlantedRun run_planted(cuda::SramKernel kernel, const Faults& faults, uint64_t seed = 1) {
  const cases::SramCase c = planted_case();
  const SramConvSpec spec = cases::make_spec(c);
  const cases::Operands operands = cases::make_operands(c);
  cuda::SramChoice choice;
  const bool gather = kernel == cuda::SramKernel::kGather;  // its only barrier guards the table
  EXPECT_EQ(refuses(kernel, spec, 0, cuda::GpuLimits{}, gather ? "table" : "", &choice), "");
  if (!gather) {  // one tile at a time: more of them
    const bool warpgroups = kernel == cuda::SramKernel::kFloat8 || kernel == cuda::SramKernel::kBinary;
    const int warps_m = warpgroups ? 4 : 2;  // two warpgroups, which share the weights
    choice.threads = choice.threads / choice.warps_m * warps_m;
    choice.warps_m = warps_m;
  }
  std::vector<double> got(c.n * c.shape.outputs()), want(got.size());
  SramOutput output;
  output.s = want.data();
  sram_conv_reference().make(spec, operands.codes.data())->run(operands.q.data(), c.n, {&output, 1});
  output.s = got.data();
  PlantedRun run;
  try {
    run.counts = emulator::run_sram_conv(spec, 0, choice, operands.codes.data(), operands.q.data(), c.n,
                                         output, seed, faults);
  } catch (const KernelError& e) {
    run.error = e.what();
  }
  run.equal = got == want;
  return run;
}

class PlantedFaults : public testing::TestWithParam<cuda::SramKernel> {};

TEST_P(PlantedFaults, NoneIsFine) {
  const PlantedRun run = run_planted(GetParam(), {});
  EXPECT_EQ(run.error, "");
  EXPECT_TRUE(run.equal);
  EXPECT_GT(run.counts.mmas, 0);
}

TEST_P(PlantedFaults, EveryBarrierIsMissed) {
  const emulator::Counts counts = run_planted(GetParam(), {}).counts;
  ASSERT_GT(counts.block_syncs, 0);
  for (int k = 0; k < counts.block_syncs; ++k)
    EXPECT_NE(run_planted(GetParam(), {.skip_block_sync = k}, 1 + k).error, "") << "barrier " << k;
}

TEST_P(PlantedFaults, EveryWaitIsMissed) {
  const emulator::Counts counts = run_planted(GetParam(), {}).counts;
  for (int k = 0; k < counts.copy_waits; ++k)
    EXPECT_TRUE(mentions(run_planted(GetParam(), {.skip_copy_wait = k}).error, "waited for")) << "wait " << k;
}

TEST_P(PlantedFaults, AWrongLaneIndexGivesWrongSums) {
  for (int swap : {1, 2, 4, 8, 16}) {
    const PlantedRun run = run_planted(GetParam(), {.swap_lanes = swap});
    EXPECT_FALSE(run.error.empty() && run.equal) << swap;
  }
}

class PlantedWarpgroupFaults : public testing::TestWithParam<cuda::SramKernel> {};

TEST_P(PlantedWarpgroupFaults, EveryBarrierFenceAndWaitIsMissed) {
  const auto with = [](const Faults& faults) { return run_planted(GetParam(), faults); };
  // Float8: two barriers a digit, with two digits and two slices a tile. Binary: three a tile.
  const int barriers = GetParam() == cuda::SramKernel::kFloat8 ? 8 : 6;
  for (int k = 0; k < barriers; ++k) EXPECT_NE(with({.skip_warpgroup_sync = k}).error, "") << "barrier " << k;
  EXPECT_TRUE(mentions(with({.skip_fences = true}).error, "was not fenced"));
  EXPECT_TRUE(mentions(with({.skip_arrivals = true}).error, "without warpgroup_arrive()"));
  for (int k = 0; k < 3; ++k) EXPECT_FALSE(with({.skip_product_wait = k}).equal) << "wait " << k;
}

INSTANTIATE_TEST_SUITE_P(Kernels, PlantedWarpgroupFaults,
                         testing::Values(cuda::SramKernel::kFloat8, cuda::SramKernel::kBinary),
                         [](const auto& tested) {
                           return std::string(
                               cuda::sram_cuda_kernels()[static_cast<size_t>(tested.param)].name);
                         });

INSTANTIATE_TEST_SUITE_P(Kernels, PlantedFaults,
                         testing::Values(cuda::SramKernel::kDirect, cuda::SramKernel::kFloat8,
                                         cuda::SramKernel::kBinary, cuda::SramKernel::kChained,
                                         cuda::SramKernel::kGather),
                         [](const auto& tested) {
                           return std::string(
                               cuda::sram_cuda_kernels()[static_cast<size_t>(tested.param)].name);
                         });

}  // namespace
}  // namespace sramsim
