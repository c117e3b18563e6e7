// The answer about CUDA devices is complete on every machine: devices, or the reason why there are none.
#include "kernels/cuda/device_probe.h"

#include <gtest/gtest.h>

namespace sramsim {
namespace {

TEST(DeviceProbe, GivesDevicesOrOneLineOfReason) {
  const DeviceProbe probe = probe_devices();
  EXPECT_EQ(probe.usable.empty(), !probe.reason.empty()) << probe.reason;
  EXPECT_EQ(probe.reason.find('\n'), std::string::npos) << probe.reason;
  for (const CudaDevice& device : probe.usable) {
    EXPECT_GE(device.major, 8) << device.name;
    EXPECT_GT(device.multiprocessors, 0) << device.name;
    EXPECT_GT(device.memory_bytes, size_t{0}) << device.name;
  }
}

TEST(DeviceProbe, AnswersTheSameAgain) {
  // A failed first call must leave no error behind for the next one.
  const DeviceProbe first = probe_devices(), second = probe_devices();
  EXPECT_EQ(first.reason, second.reason);
  EXPECT_EQ(first.usable.size(), second.usable.size());
}

TEST(DeviceProbe, AUsableDeviceRunsAKernelAndNoOtherDoes) {
  const DeviceProbe probe = probe_devices();
  for (const CudaDevice& device : probe.usable) EXPECT_EQ(try_device(device.index), "") << device.name;
  EXPECT_NE(try_device(4096), "");  // no machine has that many
}

}  // namespace
}  // namespace sramsim
