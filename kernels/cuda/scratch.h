// Working memory that grows and is reused in stream order.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/cuda/device_memory.h"

namespace sramsim::cuda {

/// Buffers that were outgrown are kept while `pinned`: a recorded graph may still use them.
class Scratch {
 public:
  /// At least `count` objects of T, valid until the next call of get(). Allocates only when it grows.
  template <typename T>
  T* get(size_t count) {
    const size_t bytes = count * sizeof(T);
    if (buffer_.size() < bytes) {
      DeviceBuffer<std::byte> larger(bytes + bytes / 2);
      std::swap(buffer_, larger);
      if (pinned_) outgrown_.push_back(std::move(larger));
    }
    return reinterpret_cast<T*>(buffer_.data());
  }
  void pin() { pinned_ = true; }

 private:
  DeviceBuffer<std::byte> buffer_;
  std::vector<DeviceBuffer<std::byte>> outgrown_;
  bool pinned_ = false;
};

}  // namespace sramsim::cuda
