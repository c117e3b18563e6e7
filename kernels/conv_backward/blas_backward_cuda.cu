// Gradients as matrix products, and the choice between this and cuDNN.
#include <algorithm>

#include "kernels/conv_backward/column_elements.h"
#include "kernels/conv_backward/conv_backward_cuda.h"
#include "kernels/core/error.h"
#include "kernels/elementwise/elements.h"

namespace sramsim::cuda {
namespace {

/// Memory for the windows of the images that are worked on at a time.
constexpr size_t kColumnBytes = size_t{256} << 20;
/// Fewer input channels leave cuDNN's channels-last kernels idle: the matrix product is as good there.
constexpr int kDnnChannels = 8;

size_t column_floats(const ConvShape& s) {
  return static_cast<size_t>(s.out_h()) * static_cast<size_t>(s.out_w()) * static_cast<size_t>(s.rows());
}

int images_at_a_time(const ConvShape& s, int n) {
  const size_t fit = kColumnBytes / (column_floats(s) * sizeof(float));
  return static_cast<int>(std::clamp<size_t>(fit, 1, static_cast<size_t>(n)));
}

class BlasBackward final : public ConvBackwardCuda {
 public:
  BlasBackward(const ConvShape& shape, int n, bool tf32, Blas& blas, const Queue& queue)
      : shape_(shape),
        n_(n),
        images_(images_at_a_time(shape, n)),
        tf32_(tf32),
        blas_(blas),
        queue_(queue),
        weights_(static_cast<size_t>(shape.weights())),
        columns_(column_floats(shape) * static_cast<size_t>(images_)) {}

  const char* algorithm() const override { return "cuBLAS"; }

  void run(const ConvBackwardArgs& a) override {
    blas_.set_tf32(tf32_);
    if (a.dx != nullptr)
      launch_elements(elements::RealWeights{a.codes, weights_.size(), a.weight_scale, weights_.data()},
                      queue_);
    const int rows = shape_.rows(), o = shape_.o;
    for (int first = 0; first < n_; first += images_) {
      const int images = std::min(images_, n_ - first);
      const int pixels = images * shape_.out_h() * shape_.out_w();
      const float* dy = a.dy + first * shape_.outputs();
      launch_elements(
          elements::ImageToColumns{elements::ColumnShape(shape_), images, a.q + first * shape_.inputs(),
                                   a.act_alpha, a.act_bits, columns_.data()},
          queue_);
      blas_.multiply_transposed(o, rows, pixels, dy, columns_.data(), first > 0, a.dw);
      if (a.dx == nullptr) continue;
      float* dx = a.dx + first * shape_.inputs();
      if (linear()) {
        blas_.multiply(pixels, rows, o, dy, weights_.data(), dx);
        continue;
      }
      blas_.multiply(pixels, rows, o, dy, weights_.data(), columns_.data());
      launch_elements(elements::ColumnsToImage{elements::ColumnShape(shape_), images, columns_.data(), dx},
                      queue_);
    }
  }

 private:
  /// Every input element stands in one window: columns and image are the same.
  bool linear() const { return shape_.positions() == 1 && shape_.stride == 1 && shape_.padding == 0; }

  ConvShape shape_;
  int n_, images_;
  bool tf32_;
  Blas& blas_;
  Queue queue_;
  DeviceBuffer<float> weights_;  ///< [O,rows]
  DeviceBuffer<float> columns_;  ///< [pixels,rows]
};

}  // namespace

std::unique_ptr<ConvBackwardCuda> make_blas_backward(const ConvShape& shape, int n, bool tf32, Blas& blas,
                                                     const Queue& queue) {
  return std::make_unique<BlasBackward>(shape, n, tf32, blas, queue);
}

std::unique_ptr<ConvBackwardCuda> plan_conv_backward_cuda(const ConvShape& shape, int n,
                                                          ConvBackward algorithm, Blas& blas,
                                                          const std::shared_ptr<Dnn>& dnn,
                                                          const Queue& queue) {
  if (algorithm == ConvBackward::kBf16 || algorithm == ConvBackward::kWinograd)
    throw InputError("backward algorithm '" + to_string(algorithm) +
                     "' is for the CPU: on a GPU choose auto, tf32 or direct (float32)");
  // As PyTorch does for convolutions unless told otherwise.
  const bool tf32 = algorithm == ConvBackward::kTf32 || algorithm == ConvBackward::kAuto;
  if (dnn && shape.positions() > 1 && shape.c >= kDnnChannels)
    if (auto plan = make_cudnn_backward(shape, n, tf32, dnn, queue)) return plan;
  return make_blas_backward(shape, n, tf32, blas, queue);
}

}  // namespace sramsim::cuda
