// The functions of kernels/cuda/ptx.h on the device against their host twins: the emulator only knows our
// belief. The products of a warpgroup are tried by whole convolutions (sram_gpu_test.cpp).
#include "tests/cases.h"
#include "tests/cuda/gpu.h"
#include "tests/cuda/ptx_probe.h"

namespace sramsim {
namespace {

TEST(Ptx, TheDeviceDoesWhatTheHostTwinsDo) {
  SRAMSIM_NEEDS_GPU();
  const CudaDevice gpu = probe_devices().usable[0];
  const bool binary = gpu.major == 8 || gpu.major == 9;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    cases::Random random(seed);
    std::vector<uint32_t> in(32 * 16);
    std::vector<Unit> units(32);
    for (uint32_t& word : in) word = static_cast<uint32_t>(random.next());
    for (Unit& unit : units)
      for (uint32_t& word : unit.word) word = static_cast<uint32_t>(random.next());
    const std::vector<uint32_t> want = probe::run_on_emulator(in, units, binary),
                                got = probe::run_on_device(in, units, binary);
    ASSERT_EQ(want.size(), got.size());
    for (size_t k = 0; k < want.size(); ++k)
      ASSERT_EQ(got[k], want[k]) << "seed " << seed << ", lane " << k / 48 << ", result " << k % 48;
  }
}

}  // namespace
}  // namespace sramsim
