// The answers of a build without CUDA.
#include "kernels/cuda/device_probe.h"

namespace sramsim {

namespace {
constexpr const char* kReason = "this program was built without CUDA";
}

DeviceProbe probe_devices() {
  return {{}, kReason};
}

std::string try_device(int) {
  return kReason;
}

}  // namespace sramsim
