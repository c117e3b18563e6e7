#include "bench/gpu_clock.h"

#include <algorithm>

#include "kernels/cuda/device_memory.h"

namespace sramsim::cuda {
namespace {

constexpr long long kClocks = 20'000'000;

__global__ void spin_kernel(long long clocks, long long* passed) {
  const long long start = clock64();
  while (clock64() - start < clocks) {
  }
  *passed = clock64() - start;
}

}  // namespace

double multiprocessor_clock(CUstream_st* stream) {
  const DeviceBuffer<long long> passed(1);
  double best = 0;
  for (int k = 0; k < 3; ++k) {
    Event start, end;
    start.record(stream);
    spin_kernel<<<1, 1, 0, stream>>>(kClocks, passed.data());
    SRAMSIM_CUDA_CHECK_LAUNCH("spin");
    end.record(stream);
    end.synchronise();
    long long clocks = 0;
    SRAMSIM_CUDA_CALL(cudaMemcpy, &clocks, passed.data(), sizeof clocks, cudaMemcpyDeviceToHost);
    best = std::max(best, static_cast<double>(clocks) / end.seconds_since(start));
  }
  return best;
}

}  // namespace sramsim::cuda
