// Asks the driver for its devices and runs one thread on one of them.
#include <cuda_runtime.h>

#include <memory>

#include "kernels/cuda/device_probe.h"

namespace sramsim {

namespace {

constexpr int kOldestMajor = 8;              // Ampere: the oldest architecture the kernels are compiled for
constexpr unsigned kWritten = 0x5241'4d53u;  // any pattern that fresh memory is unlikely to hold

// "13.0" from 13000.
std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string no_devices_reason(cudaError_t error) {
  int driver = 0;  // stays 0 where no driver is installed
  int runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  if (driver == 0) return "no NVIDIA driver is installed";
  if (error == cudaErrorInsufficientDriver)
    return "the NVIDIA driver supports CUDA " + version_text(driver) + ", this program needs " +
           version_text(runtime);
  if (error == cudaErrorNoDevice) return "the NVIDIA driver reports no device";
  return std::string("the NVIDIA driver reports: ") + cudaGetErrorString(error);
}

struct DeviceFree {
  void operator()(unsigned* data) const { cudaFree(data); }
};

// grid 1, block 1; out: one word
__global__ void probe_kernel(unsigned* out) {
  *out = kWritten;
}

}  // namespace

DeviceProbe probe_devices() {
  DeviceProbe probe;
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess || count == 0) {
    probe.reason = no_devices_reason(error == cudaSuccess ? cudaErrorNoDevice : error);
    cudaGetLastError();  // the failure is answered; later calls must not find it
    return probe;
  }
  std::string older;
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, i) != cudaSuccess) {
      cudaGetLastError();
      continue;
    }
    if (properties.major < kOldestMajor) {
      older = properties.name;
      continue;
    }
    probe.usable.push_back({i, properties.name, properties.major, properties.minor,
                            properties.multiProcessorCount, properties.totalGlobalMem});
  }
  if (probe.usable.empty())
    probe.reason = older.empty() ? "the NVIDIA driver describes none of its devices"
                                 : "the only device is older than compute capability 8.0 (" + older + ")";
  return probe;
}

std::string try_device(int index) {
  const auto failed = [](cudaError_t error) {
    cudaGetLastError();
    return std::string(cudaGetErrorString(error));
  };
  if (const cudaError_t error = cudaSetDevice(index); error != cudaSuccess) return failed(error);
  unsigned* raw = nullptr;
  if (const cudaError_t error = cudaMalloc(&raw, sizeof *raw); error != cudaSuccess) return failed(error);
  const std::unique_ptr<unsigned, DeviceFree> word(raw);
  probe_kernel<<<1, 1>>>(word.get());
  if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess) return failed(error);
  unsigned read = 0;
  if (const cudaError_t error = cudaMemcpy(&read, word.get(), sizeof read, cudaMemcpyDeviceToHost);
      error != cudaSuccess)
    return failed(error);
  return read == kWritten ? "" : "a kernel ran but its result did not arrive";
}

}  // namespace sramsim
