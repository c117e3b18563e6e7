// CUDA graphs: work recorded from a stream and launched as one.
#pragma once

#include <cuda_runtime_api.h>

#include <utility>

#include "kernels/cuda/check.h"

namespace sramsim::cuda {

/// An executable graph; owns it.
class Graph {
 public:
  /// Records what work() puts into the stream; nothing of it runs. Throws what work() throws, or RunError if
  /// the work cannot be recorded; the stream is usable again either way.
  template <typename Work>
  Graph(cudaStream_t stream, const Work& work) : stream_(stream) {
    // Thread-local mode: calls of other threads neither break the recording nor get into it.
    SRAMSIM_CUDA_CALL(cudaStreamBeginCapture, stream, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      cudaGraph_t broken = nullptr;
      ignore(cudaStreamEndCapture(stream, &broken));
      if (broken != nullptr) ignore(cudaGraphDestroy(broken));
      throw;
    }
    cudaGraph_t graph = nullptr;
    SRAMSIM_CUDA_CALL(cudaStreamEndCapture, stream, &graph);
    const cudaError_t made = cudaGraphInstantiate(&executable_, graph, 0);
    ignore(cudaGraphDestroy(graph));
    check(made, "cudaGraphInstantiate", __FILE__, __LINE__);
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  ~Graph() {
    if (executable_ == nullptr) return;
    ignore(cudaStreamSynchronize(stream_));  // it may be running
    ignore(cudaGraphExecDestroy(executable_));
  }

  void launch() { SRAMSIM_CUDA_CALL(cudaGraphLaunch, executable_, stream_); }

 private:
  cudaStream_t stream_;
  cudaGraphExec_t executable_ = nullptr;
};

}  // namespace sramsim::cuda
