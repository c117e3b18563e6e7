// The backward pass of the quantised convolution on a GPU. The gradients of the values that the forward pass
// used, x = q/act_scale and w = c/weight_scale:
//   dx = conv_transposed(dy, w)        dw = sum over pixels of dy * x
// by cuDNN, or as matrix products by cuBLAS over windows that are written out (linear layers, shapes that
// cuDNN does not take, builds without it). Sums are float32; operands are rounded to TF32 (11 bits) unless
// float32 is asked for ("direct"). Both use no atomics: the same run gives the same bits on the same device.
#pragma once

#include <memory>

#include "kernels/conv_backward/conv_backward.h"
#include "kernels/cuda/blas.h"
#include "kernels/cuda/elements.cuh"

namespace sramsim::cuda {

/// Operands of one call, all in device memory; layouts as in conv_backward.h. dx may be null.
struct ConvBackwardArgs {
  const uint8_t* q = nullptr;
  const int8_t* codes = nullptr;
  const float* act_alpha = nullptr;
  int act_bits = 4;
  const float* weight_scale = nullptr;
  const float* dy = nullptr;
  float* dx = nullptr;
  float* dw = nullptr;
};

/// One convolution at one batch size. run() allocates nothing and waits for nothing.
class ConvBackwardCuda {
 public:
  virtual ~ConvBackwardCuda() = default;
  virtual void run(const ConvBackwardArgs& args) = 0;
  virtual const char* algorithm() const = 0;  ///< "cuDNN", "cuBLAS"
};

/// cuDNN's handle; null in a build without cuDNN. RunError if cuDNN does not start.
class Dnn;
std::shared_ptr<Dnn> make_dnn(const Queue& queue);

/// Null where cuDNN has no deterministic algorithm for this convolution (found out by running it once).
std::unique_ptr<ConvBackwardCuda> make_cudnn_backward(const ConvShape& shape, int n, bool tf32,
                                                      const std::shared_ptr<Dnn>& dnn, const Queue& queue);
/// Any shape. `blas` must outlive the plan.
std::unique_ptr<ConvBackwardCuda> make_blas_backward(const ConvShape& shape, int n, bool tf32, Blas& blas,
                                                     const Queue& queue);

/// The best of these. InputError for an algorithm that this backend does not have.
std::unique_ptr<ConvBackwardCuda> plan_conv_backward_cuda(const ConvShape& shape, int n,
                                                          ConvBackward algorithm, Blas& blas,
                                                          const std::shared_ptr<Dnn>& dnn,
                                                          const Queue& queue);

}  // namespace sramsim::cuda
