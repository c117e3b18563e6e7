// Launchers for operations written as structs (kernels/elementwise/elements.h) and for folds
// (chunk_fold.cuh).
#pragma once

#include <cuda_runtime.h>

#include "kernels/cuda/check.h"
#include "kernels/elementwise/chunk_fold.cuh"

namespace sramsim::cuda {

/// Where work goes: everything of one backend is in one stream.
struct Queue {
  cudaStream_t stream = nullptr;
  int multiprocessors = 1;
};

inline constexpr int kElementThreads = 256;
inline constexpr int kElementBlocks =
    32;  ///< most blocks per multiprocessor of one launch; each walks on from there

// Calls i = thread, thread + all threads, ...: neighbours in the grid are neighbours in memory.
template <class Op>
__global__ void __launch_bounds__(kElementThreads)
    elements_kernel(const __grid_constant__ Op op, size_t calls) {
  for (size_t i = size_t{blockIdx.x} * kElementThreads + threadIdx.x; i < calls;
       i += size_t{gridDim.x} * kElementThreads)
    op(i);
}

// One block per chunk.
template <class Op>
__global__ void __launch_bounds__(kFoldThreads) fold_kernel(const __grid_constant__ Op op) {
  chunk_fold_body(op);
}

/// op(i) for every i < op.calls(), in no order.
template <class Op>
void launch_elements(const Op& op, const Queue& queue) {
  const size_t calls = op.calls();
  if (calls == 0) return;
  const size_t needed = (calls + kElementThreads - 1) / kElementThreads;
  const size_t most = size_t{kElementBlocks} * static_cast<size_t>(queue.multiprocessors);
  // A lone call is a single thread: 255 idle ones would only have to be started.
  const int threads = calls == 1 ? 1 : kElementThreads;
  elements_kernel<<<static_cast<unsigned>(needed < most ? needed : most), threads, 0, queue.stream>>>(op,
                                                                                                      calls);
  check(cudaGetLastError(), Op::kName, __FILE__, __LINE__);
}

inline size_t fold_chunks(size_t count) {
  return (count + kChunk - 1) / kChunk;
}

/// op.partial [fold_chunks(op.count)] <- the chunks' states.
template <class Op>
void launch_fold(const Op& op, const Queue& queue) {
  if (op.count == 0) return;
  fold_kernel<<<static_cast<unsigned>(fold_chunks(op.count)), kFoldThreads, kFoldSharedBytes<Op>,
                queue.stream>>>(op);
  check(cudaGetLastError(), Op::kName, __FILE__, __LINE__);
}

}  // namespace sramsim::cuda
