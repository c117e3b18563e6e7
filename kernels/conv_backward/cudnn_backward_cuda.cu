// Gradients by cuDNN's convolution functions, channels last. The only file that knows cuDNN; without it
// (cmake says so) plans fall back to matrix products.
#include "kernels/conv_backward/conv_backward_cuda.h"

#ifdef SRAMSIM_HAVE_CUDNN

#include <cudnn.h>

#include <algorithm>

#include "kernels/core/error.h"
#include "kernels/elementwise/elements.h"

namespace sramsim::cuda {

namespace {

void check_dnn(cudnnStatus_t status, const char* call) {
  if (status != CUDNN_STATUS_SUCCESS)
    throw RunError(std::string(call) + " failed: " + cudnnGetErrorString(status));
}

}  // namespace

class Dnn {
 public:
  explicit Dnn(cudaStream_t stream) {
    check_dnn(cudnnCreate(&handle_), "cudnnCreate");
    check_dnn(cudnnSetStream(handle_, stream), "cudnnSetStream");
  }
  Dnn(const Dnn&) = delete;
  Dnn& operator=(const Dnn&) = delete;
  ~Dnn() {
    if (handle_ != nullptr) cudnnDestroy(handle_);
  }
  cudnnHandle_t handle() const { return handle_; }

 private:
  cudnnHandle_t handle_ = nullptr;
};

namespace {

/// Owns one descriptor of any kind.
template <typename T, cudnnStatus_t (*kCreate)(T*), cudnnStatus_t (*kDestroy)(T)>
class Descriptor {
 public:
  Descriptor() { check_dnn(kCreate(&value_), "cuDNN descriptor"); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { kDestroy(value_); }
  T get() const { return value_; }

 private:
  T value_ = nullptr;
};

using TensorDescriptor =
    Descriptor<cudnnTensorDescriptor_t, cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor>;
using FilterDescriptor =
    Descriptor<cudnnFilterDescriptor_t, cudnnCreateFilterDescriptor, cudnnDestroyFilterDescriptor>;
using ConvolutionDescriptor = Descriptor<cudnnConvolutionDescriptor_t, cudnnCreateConvolutionDescriptor,
                                         cudnnDestroyConvolutionDescriptor>;

// Of cuDNN's algorithms the one that is deterministic and multiplies what it is given (Winograd and FFT
// transform first and round more). The same in every run, so that a resumed training gives the same bits.
constexpr auto kDataAlgorithm = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
constexpr auto kFilterAlgorithm = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;

class CudnnBackward final : public ConvBackwardCuda {
 public:
  CudnnBackward(const ConvShape& s, int n, bool tf32, std::shared_ptr<Dnn> dnn, const Queue& queue)
      : dnn_(std::move(dnn)),
        queue_(queue),
        x_(static_cast<size_t>(n) * static_cast<size_t>(s.inputs())),
        w_(static_cast<size_t>(s.weights())) {
    const auto tensor = [n](const TensorDescriptor& d, int c, int h, int w) {
      check_dnn(cudnnSetTensor4dDescriptor(d.get(), CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, n, c, h, w),
                "cudnnSetTensor4dDescriptor");
    };
    tensor(dx_tensor_, s.c, s.h, s.w);
    tensor(dy_tensor_, s.o, s.out_h(), s.out_w());
    check_dnn(
        cudnnSetFilter4dDescriptor(filter_.get(), CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, s.o, s.c, s.kh, s.kw),
        "cudnnSetFilter4dDescriptor");
    check_dnn(cudnnSetConvolution2dDescriptor(convolution_.get(), s.padding, s.padding, s.stride, s.stride, 1,
                                              1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
              "cudnnSetConvolution2dDescriptor");
    // The default math type may round float32 operands to TF32.
    check_dnn(cudnnSetConvolutionMathType(convolution_.get(), tf32 ? CUDNN_TENSOR_OP_MATH : CUDNN_FMA_MATH),
              "cudnnSetConvolutionMathType");
    size_t data = 0, filter = 0;
    usable_ = cudnnGetConvolutionBackwardDataWorkspaceSize(dnn_->handle(), filter_.get(), dy_tensor_.get(),
                                                           convolution_.get(), dx_tensor_.get(),
                                                           kDataAlgorithm, &data) == CUDNN_STATUS_SUCCESS &&
              cudnnGetConvolutionBackwardFilterWorkspaceSize(
                  dnn_->handle(), dx_tensor_.get(), dy_tensor_.get(), convolution_.get(), filter_.get(),
                  kFilterAlgorithm, &filter) == CUDNN_STATUS_SUCCESS;
    if (usable_) workspace_ = DeviceBuffer<std::byte>(std::max(data, filter));
  }

  bool usable() const { return usable_; }
  const char* algorithm() const override { return "cuDNN"; }

  void run(const ConvBackwardArgs& a) override { check_dnn(try_run(a), "cuDNN's backward convolution"); }

  /// Both gradients once on scratch operands: a size of workspace is no promise.
  bool works(const ConvShape& s, int n) {
    DeviceBuffer<float> dy(static_cast<size_t>(n) * static_cast<size_t>(s.outputs())), dx(x_.size()),
        dw(w_.size());
    DeviceBuffer<uint8_t> zeros(std::max(x_.size(), w_.size()));
    const float ones[2] = {1.0f, 1.0f};
    const DeviceBuffer<float> scales(ones, 2);
    SRAMSIM_CUDA_CALL(cudaMemsetAsync, dy.data(), 0, dy.size() * sizeof(float), queue_.stream);
    SRAMSIM_CUDA_CALL(cudaMemsetAsync, zeros.data(), 0, zeros.size(), queue_.stream);
    ConvBackwardArgs a;
    a.q = zeros.data();
    a.codes = reinterpret_cast<const int8_t*>(zeros.data());
    a.act_alpha = scales.data();
    a.weight_scale = scales.data() + 1;
    a.dy = dy.data();
    a.dx = dx.data();
    a.dw = dw.data();
    const bool ran = try_run(a) == CUDNN_STATUS_SUCCESS;
    SRAMSIM_CUDA_CALL(cudaStreamSynchronize, queue_.stream);
    return ran;
  }

 private:
  cudnnStatus_t try_run(const ConvBackwardArgs& a) {
    const float one = 1.0f, zero = 0.0f;
    launch_elements(elements::RealActivations{a.q, x_.size(), a.act_alpha, a.act_bits, x_.data()}, queue_);
    const cudnnStatus_t filter = cudnnConvolutionBackwardFilter(
        dnn_->handle(), &one, dx_tensor_.get(), x_.data(), dy_tensor_.get(), a.dy, convolution_.get(),
        kFilterAlgorithm, workspace_.data(), workspace_.size(), &zero, filter_.get(), a.dw);
    if (filter != CUDNN_STATUS_SUCCESS || a.dx == nullptr) return filter;
    launch_elements(elements::RealWeights{a.codes, w_.size(), a.weight_scale, w_.data()}, queue_);
    return cudnnConvolutionBackwardData(dnn_->handle(), &one, filter_.get(), w_.data(), dy_tensor_.get(),
                                        a.dy, convolution_.get(), kDataAlgorithm, workspace_.data(),
                                        workspace_.size(), &zero, dx_tensor_.get(), a.dx);
  }

  std::shared_ptr<Dnn> dnn_;
  Queue queue_;
  TensorDescriptor dx_tensor_, dy_tensor_;  ///< x has the descriptor of dx
  FilterDescriptor filter_;
  ConvolutionDescriptor convolution_;
  bool usable_ = false;
  DeviceBuffer<std::byte> workspace_;
  DeviceBuffer<float> x_;  ///< [N,H,W,C]
  DeviceBuffer<float> w_;  ///< [O,KH,KW,C]
};

}  // namespace

std::shared_ptr<Dnn> make_dnn(const Queue& queue) {
  return std::make_shared<Dnn>(queue.stream);
}

std::unique_ptr<ConvBackwardCuda> make_cudnn_backward(const ConvShape& shape, int n, bool tf32,
                                                      const std::shared_ptr<Dnn>& dnn, const Queue& queue) {
  auto plan = std::make_unique<CudnnBackward>(shape, n, tf32, dnn, queue);
  if (!plan->usable() || !plan->works(shape, n)) return nullptr;
  return plan;
}

}  // namespace sramsim::cuda

#else

namespace sramsim::cuda {

class Dnn {};

std::shared_ptr<Dnn> make_dnn(const Queue&) {
  return nullptr;
}

std::unique_ptr<ConvBackwardCuda> make_cudnn_backward(const ConvShape&, int, bool,
                                                      const std::shared_ptr<Dnn>&, const Queue&) {
  return nullptr;
}

}  // namespace sramsim::cuda

#endif
