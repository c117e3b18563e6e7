#include "kernels/backend/backend.h"

#include "kernels/backend/cpu_backend.h"
#include "kernels/backend/cuda_backend.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

/// The first device that runs a kernel, or null and the reason of each that does not.
std::unique_ptr<Backend> try_cuda(std::string* reason) {
  const DeviceProbe probe = probe_devices();
  *reason = probe.reason;
  for (const CudaDevice& device : probe.usable) {
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
  if (device != "auto" && device != "cuda")
    throw InputError("device '" + device + "' is unknown, choose auto, cpu or cuda");
  std::string reason;
  if (auto backend = try_cuda(&reason)) return backend;
  if (device == "cuda") throw RunError("device 'cuda': " + reason);
  if (note) *note = reason;
  return make_cpu_backend(threads);
}

}  // namespace sramsim
