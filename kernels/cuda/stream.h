// Owning streams and events.
#pragma once

#include <cuda_runtime_api.h>

#include <utility>

#include "kernels/cuda/check.h"

namespace sramsim::cuda {

/// A stream of its own; never waits for the legacy default stream.
class Stream {
 public:
  Stream() { SRAMSIM_CUDA_CALL(cudaStreamCreateWithFlags, &stream_, cudaStreamNonBlocking); }
  Stream(Stream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
  Stream& operator=(Stream&& other) noexcept {
    std::swap(stream_, other.stream_);
    return *this;
  }
  ~Stream() {
    if (stream_ != nullptr) ignore(cudaStreamDestroy(stream_));
  }
  cudaStream_t get() const { return stream_; }
  void synchronise() const { SRAMSIM_CUDA_CALL(cudaStreamSynchronize, stream_); }

 private:
  cudaStream_t stream_ = nullptr;
};

/// A point in a stream, with its time.
class Event {
 public:
  Event() { SRAMSIM_CUDA_CALL(cudaEventCreate, &event_); }
  Event(Event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  Event& operator=(Event&& other) noexcept {
    std::swap(event_, other.event_);
    return *this;
  }
  ~Event() {
    if (event_ != nullptr) ignore(cudaEventDestroy(event_));
  }
  cudaEvent_t get() const { return event_; }
  void record(cudaStream_t stream) { SRAMSIM_CUDA_CALL(cudaEventRecord, event_, stream); }
  void synchronise() const { SRAMSIM_CUDA_CALL(cudaEventSynchronize, event_); }
  /// Seconds from `start` to this event; both must have been reached.
  double seconds_since(const Event& start) const {
    float milliseconds = 0;
    SRAMSIM_CUDA_CALL(cudaEventElapsedTime, &milliseconds, start.event_, event_);
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace sramsim::cuda
