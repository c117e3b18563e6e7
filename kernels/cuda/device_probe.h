// Which CUDA devices this program can use, and why not where it can use none. Knows no CUDA type, so that
// every build includes it: device_probe.cu answers where CUDA is compiled in, device_probe_without_cuda.cpp
// elsewhere.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sramsim {

struct CudaDevice {
  int index = 0;  ///< ordinal for cudaSetDevice, after CUDA_VISIBLE_DEVICES
  std::string name;
  int major = 0, minor = 0;  ///< compute capability
  int multiprocessors = 0;
  size_t memory_bytes = 0;
};

struct DeviceProbe {
  std::vector<CudaDevice> usable;  ///< compute capability 8.0 or newer, in ordinal order
  std::string reason;              ///< one line where `usable` is empty: no driver, driver too old, ...
};

/// Asks the driver only; creates no context and takes no device memory. Never throws for a missing device.
DeviceProbe probe_devices();

/// Runs one thread on the device and reads back what it wrote. Empty if that worked, else the reason in one
/// line (device in exclusive use, no code for its architecture, ...). Creates the device's context.
std::string try_device(int index);

}  // namespace sramsim
