#include "kernels/backend/backend.h"

#include <algorithm>

#include "kernels/backend/cpu_backend.h"
#include "kernels/backend/cuda_backend.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

/// Usable device `wanted`, or for -1 the first that runs a kernel; else null and the reasons.
std::unique_ptr<Backend> try_cuda(int wanted, std::string* reason) {
  const DeviceProbe probe = probe_devices();
  *reason = probe.reason;
  const int count = static_cast<int>(probe.usable.size());
  if (count > 0 && wanted >= count) *reason = "there are only " + std::to_string(count) + " usable devices";
  for (int k = std::max(0, wanted); k < (wanted < 0 ? count : std::min(count, wanted + 1)); ++k) {
    const CudaDevice& device = probe.usable[k];
    const std::string failure = try_device(device.index);
    if (failure.empty()) return make_cuda_backend(device);
    *reason += (reason->empty() ? "" : "; ") + device.name + " cannot be used: " + failure;
  }
  return nullptr;
}

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(int threads) {
  return std::make_unique<CpuBackend>(threads);
}

std::unique_ptr<Backend> make_backend(const std::string& device, int threads, std::string* note) {
  if (device == "cpu") return make_cpu_backend(threads);
  const bool numbered = device.starts_with("cuda:");
  if (device != "auto" && device != "cuda" && !numbered)
    throw InputError("device '" + device + "' is unknown, choose auto, cpu or cuda");
  std::string reason;
  if (auto backend = try_cuda(numbered ? std::stoi(device.substr(5)) : -1, &reason)) return backend;
  if (device != "auto") throw RunError("device '" + device + "': " + reason);
  if (note) *note = reason;
  return make_cpu_backend(threads);
}

int device_count(const std::string& kind) {
  return kind == "cpu" ? 1 : static_cast<int>(probe_devices().usable.size());
}

}  // namespace sramsim
