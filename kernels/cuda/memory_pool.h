// Stream-ordered memory: blocks go back to the driver's pool and come from there again, so that nothing is
// asked of the system in the steady state.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/check.h"

namespace sramsim::cuda {

class MemoryPool {
 public:
  /// Takes the current device's default pool and lets it keep what is freed. Devices without pools (some
  /// virtual machines) get plain allocations.
  explicit MemoryPool(cudaStream_t stream) : stream_(stream) {
    int device = 0, pools = 0;
    SRAMSIM_CUDA_CALL(cudaGetDevice, &device);
    SRAMSIM_CUDA_CALL(cudaDeviceGetAttribute, &pools, cudaDevAttrMemoryPoolsSupported, device);
    if (pools == 0) return;
    SRAMSIM_CUDA_CALL(cudaDeviceGetDefaultMemPool, &pool_, device);
    uint64_t keep = UINT64_MAX;
    SRAMSIM_CUDA_CALL(cudaMemPoolSetAttribute, pool_, cudaMemPoolAttrReleaseThreshold, &keep);
  }

  /// Usable by work that enters the stream from now on. 256-byte aligned. Throws OutOfMemory.
  void* allocate(size_t bytes) {
    void* data = nullptr;
    const size_t size = bytes > 0 ? bytes : 1;
    if (ask(&data, size) == cudaErrorMemoryAllocation) {
      trim();  // what the pool keeps may be in pieces that are too small
      SRAMSIM_CUDA_CALL(ask, &data, size);
    }
    return data;
  }

  /// After the work that is in the stream now.
  void release(void* data) noexcept {
    ignore(pool_ != nullptr ? cudaFreeAsync(data, stream_) : cudaFree(data));
  }

  /// Waits for the stream and gives unused memory back to the device.
  void trim() {
    SRAMSIM_CUDA_CALL(cudaStreamSynchronize, stream_);
    if (pool_ != nullptr) SRAMSIM_CUDA_CALL(cudaMemPoolTrimTo, pool_, size_t{0});
  }

 private:
  cudaError_t ask(void** data, size_t bytes) {
    const cudaError_t status =
        pool_ != nullptr ? cudaMallocAsync(data, bytes, stream_) : cudaMalloc(data, bytes);
    if (status == cudaErrorMemoryAllocation) cudaGetLastError();
    return status;
  }

  cudaStream_t stream_;
  cudaMemPool_t pool_ = nullptr;
};

}  // namespace sramsim::cuda
