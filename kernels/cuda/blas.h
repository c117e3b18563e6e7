// Matrix products by cuBLAS on row-major float matrices.
#pragma once

#include <cublas_v2.h>

#include "kernels/cuda/check.h"
#include "kernels/cuda/device_memory.h"

namespace sramsim::cuda {

/// A handle with a workspace of its own, so that results do not depend on what else ran and that recorded
/// graphs need no memory from the library.
class Blas {
 public:
  explicit Blas(cudaStream_t stream) : workspace_(kWorkspaceBytes) {
    check_status(cublasCreate(&handle_), "cublasCreate");
    check_status(cublasSetStream(handle_, stream), "cublasSetStream");
    // After cublasSetStream(), which puts the library's own workspace back.
    check_status(cublasSetWorkspace(handle_, workspace_.data(), kWorkspaceBytes), "cublasSetWorkspace");
  }
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;
  ~Blas() {
    if (handle_ != nullptr) cublasDestroy(handle_);
  }

  /// Products in float32 (the default), or with operands rounded to TF32 and float32 sums.
  void set_tf32(bool on) {
    check_status(cublasSetMathMode(handle_, on ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH),
                 "cublasSetMathMode");
  }

  /// c [m,n] = a [m,k] * b [k,n]
  void multiply(int m, int n, int k, const float* a, const float* b, float* c) {
    // cuBLAS stores columns: it sees the transposed matrices, c' [n,m] = b' [n,k] * a' [k,m].
    const float one = 1.0f, zero = 0.0f;
    check_status(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, n, m, k, &one, b, n, a, k, &zero, c, n),
                 "cublasSgemm");
  }

  /// c [m,n] (+)= a^T * b with a [k,m], b [k,n]
  void multiply_transposed(int m, int n, int k, const float* a, const float* b, bool add, float* c) {
    const float one = 1.0f, beta = add ? 1.0f : 0.0f;
    check_status(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_T, n, m, k, &one, b, n, a, m, &beta, c, n),
                 "cublasSgemm");
  }

 private:
  static constexpr size_t kWorkspaceBytes = size_t{32} << 20;  // what cuBLAS recommends for Hopper

  static void check_status(cublasStatus_t status, const char* call) {
    if (status == CUBLAS_STATUS_SUCCESS) return;
    const std::string text = std::string(call) + " failed: " + cublasGetStatusString(status);
    if (status == CUBLAS_STATUS_ALLOC_FAILED) throw OutOfMemory(text);
    throw RunError(text);
  }

  DeviceBuffer<std::byte> workspace_;
  cublasHandle_t handle_ = nullptr;
};

}  // namespace sramsim::cuda
