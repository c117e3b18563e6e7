// Every CUDA status is looked at, once, here: a failure becomes a RunError of one line that names call and
// place.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "kernels/core/error.h"

namespace sramsim::cuda {

/// "cudaMemcpyAsync failed at cuda_backend.cu:42: an illegal memory access was encountered
/// (cudaErrorIllegalAddress)"
inline std::string failure_text(cudaError_t status, const char* call, const char* file, int line) {
  const std::string path = file;
  return std::string(call) + " failed at " + path.substr(path.find_last_of('/') + 1) + ":" +
         std::to_string(line) + ": " + cudaGetErrorString(status) + " (" + cudaGetErrorName(status) + ")";
}

inline void check(cudaError_t status, const char* call, const char* file, int line) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // a reported error must not be found again by the next check
  const std::string text = failure_text(status, call, file, line);
  if (status == cudaErrorMemoryAllocation) throw OutOfMemory(text);
  throw RunError(text);
}

/// For destructors, which must not throw: a failure there follows one that has been reported.
inline void ignore(cudaError_t status) noexcept {
  if (status != cudaSuccess) cudaGetLastError();
}

}  // namespace sramsim::cuda

/// Checks a runtime call; the text names the function without its arguments.
#define SRAMSIM_CUDA_CALL(function, ...) \
  ::sramsim::cuda::check(function(__VA_ARGS__), #function, __FILE__, __LINE__)
/// Checks the launch that stands before it. Errors while a kernel runs surface at the next synchronising
/// call.
#define SRAMSIM_CUDA_CHECK_LAUNCH(kernel) \
  ::sramsim::cuda::check(cudaGetLastError(), kernel " launch", __FILE__, __LINE__)
