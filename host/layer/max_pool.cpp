// Max pooling, windows side by side; the first maximum of a window takes the gradient.
#include "host/layer/training_layer.h"

namespace sramsim {
namespace {

class MaxPoolLayer final : public TrainingLayer {
 public:
  explicit MaxPoolLayer(const LayerContext& c) : TrainingLayer(c), size_(c.spec.kernel) {}

  void forward(const PassContext& pass, const float* x, float* y) override {
    backend_.max_pool_forward(x, pass.n, placed_.in_h, placed_.in_w, placed_.in_c, size_, y);
  }

  float* backward(const PassContext& pass, const float* x, const float* /*y*/, float* dy,
                  float* dx) override {
    backend_.max_pool_backward(x, dy, pass.n, placed_.in_h, placed_.in_w, placed_.in_c, size_, dx);
    return mask_relu(pass, x, dx);
  }

 private:
  int size_;
};

}  // namespace

std::unique_ptr<TrainingLayer> make_max_pool_layer(const LayerContext& context) {
  return std::make_unique<MaxPoolLayer>(context);
}

}  // namespace sramsim
