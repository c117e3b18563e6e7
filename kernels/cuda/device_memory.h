// Owning device memory: move-only, plain allocations (no managed memory), freed with the object.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <utility>

#include "kernels/cuda/check.h"
#include "kernels/cuda/stream.h"

namespace sramsim::cuda {

/// `count` elements of device memory. Throws OutOfMemory.
template <typename T>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  explicit DeviceBuffer(size_t count) : count_(count) {
    if (count > 0) SRAMSIM_CUDA_CALL(cudaMalloc, reinterpret_cast<void**>(&data_), count * sizeof(T));
  }
  /// A copy of host memory, complete when the constructor returns.
  DeviceBuffer(const T* host, size_t count) : DeviceBuffer(count) {
    if (count == 0) return;
    SRAMSIM_CUDA_CALL(cudaMemcpy, data_, host, count * sizeof(T), cudaMemcpyHostToDevice);
    // A copy from pageable memory may still be on its way, and no other stream waits for it.
    SRAMSIM_CUDA_CALL(cudaStreamSynchronize, cudaStreamLegacy);
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~DeviceBuffer() {
    if (data_ != nullptr) ignore(cudaFree(data_));
  }

  T* data() const { return data_; }
  size_t size() const { return count_; }

  void upload(const T* host, const Stream& stream) {
    SRAMSIM_CUDA_CALL(cudaMemcpyAsync, data_, host, count_ * sizeof(T), cudaMemcpyHostToDevice, stream.get());
  }
  /// Waits for the stream: the host memory is complete on return.
  void download(T* host, const Stream& stream) const {
    SRAMSIM_CUDA_CALL(cudaMemcpyAsync, host, data_, count_ * sizeof(T), cudaMemcpyDeviceToHost, stream.get());
    stream.synchronise();
  }

 private:
  T* data_ = nullptr;
  size_t count_ = 0;
};

}  // namespace sramsim::cuda
