#include "kernels/cuda/device_memory.h"
#include "tests/cuda/ptx_probe.cuh"
#include "tests/cuda/ptx_probe.h"

namespace sramsim::probe {
namespace {

__global__ void ptx_probe_kernel(const uint32_t* in, const Unit* units, bool binary, uint32_t* out) {
  ptx_probe_body(in, units, binary, out);
}

}  // namespace

std::vector<uint32_t> run_on_device(const std::vector<uint32_t>& in, const std::vector<Unit>& units,
                                    bool binary) {
  const cuda::Stream stream;
  const cuda::DeviceBuffer<uint32_t> device_in(in.data(), in.size()), device_out(32 * kOutputs);
  const cuda::DeviceBuffer<Unit> device_units(units.data(), units.size());
  ptx_probe_kernel<<<1, 32, kSharedBytes, stream.get()>>>(device_in.data(), device_units.data(), binary,
                                                          device_out.data());
  SRAMSIM_CUDA_CHECK_LAUNCH("ptx_probe");
  std::vector<uint32_t> out(32 * kOutputs);
  device_out.download(out.data(), stream);
  return out;
}

}  // namespace sramsim::probe
