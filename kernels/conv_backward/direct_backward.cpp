// Few rows: one pass over dy per image serves every row, and the sums stay in the first-level cache.
#include <algorithm>
#include <vector>

#include "kernels/conv_backward/plans.h"
#include "kernels/int_conv/direct.h"

namespace sramsim {
namespace {

/// Images whose weight gradients are added up in float before they join the double sum: fixed, so that the
/// result does not depend on the number of threads.
constexpr int kImages = 4;

class DirectBackward final : public ConvBackwardPlan {
 public:
  DirectBackward(const ConvShape& shape, int n)
      : shape_(shape),
        n_(n),
        weights_(shape.weights()),
        partial_(static_cast<size_t>((n + kImages - 1) / kImages) * shape.weights()) {}

  const char* algorithm() const override { return "direct (own)"; }

  void run(const uint8_t* q, const int8_t* codes, float act_scale, float weight_scale, const float* dy,
           float* dx, float* dw) override {
    const auto& loops = direct_conv_loops();
    transpose(codes);
    const int chunks = (n_ + kImages - 1) / kImages;
#pragma omp parallel for schedule(static)
    for (int chunk = 0; chunk < chunks; ++chunk) {
      float* sums = partial_.data() + static_cast<size_t>(chunk) * shape_.weights();
      std::fill_n(sums, shape_.weights(), 0.0f);
      for (int i = chunk * kImages; i < std::min(n_, (chunk + 1) * kImages); ++i) {
        const float* g = dy + i * shape_.outputs();
        loops.backward_weights(shape_, q + i * shape_.inputs(), g, sums);
        if (dx)
          loops.backward_data(shape_, g, weights_.data(), 1.0f / weight_scale, dx + i * shape_.inputs());
      }
    }
    for (int o = 0; o < shape_.o; ++o)
      for (int r = 0; r < shape_.rows(); ++r) {
        double sum = 0;
        for (int chunk = 0; chunk < chunks; ++chunk)
          sum += partial_[(static_cast<size_t>(chunk) * shape_.rows() + r) * shape_.o + o];
        dw[static_cast<size_t>(o) * shape_.rows() + r] = static_cast<float>(sum) / act_scale;
      }
  }

 private:
  void transpose(const int8_t* codes) {
    for (int o = 0; o < shape_.o; ++o)
      for (int r = 0; r < shape_.rows(); ++r)
        weights_[static_cast<size_t>(r) * shape_.o + o] = codes[static_cast<size_t>(o) * shape_.rows() + r];
  }

  ConvShape shape_;
  int n_;
  std::vector<float> weights_;  // [KH,KW,C,O]
  std::vector<float> partial_;  // [chunks,KH,KW,C,O]
};

}  // namespace

std::unique_ptr<ConvBackwardPlan> make_direct_backward(const ConvShape& shape, int n) {
  return std::make_unique<DirectBackward>(shape, n);
}

}  // namespace sramsim
