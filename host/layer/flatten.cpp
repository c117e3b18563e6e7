// [n,H,W,C] to a vector per image in PyTorch's (c,h,w) order, which the weights of the next layer follow.
#include "host/layer/training_layer.h"

namespace sramsim {
namespace {

class FlattenLayer final : public TrainingLayer {
 public:
  using TrainingLayer::TrainingLayer;

  void forward(const PassContext& pass, const float* x, float* y) override {
    backend_.flatten_forward(x, pass.n, placed_.in_h, placed_.in_w, placed_.in_c, y);
  }

  float* backward(const PassContext& pass, const float* x, const float* /*y*/, float* dy,
                  float* dx) override {
    backend_.flatten_backward(dy, pass.n, placed_.in_h, placed_.in_w, placed_.in_c, dx);
    return mask_relu(pass, x, dx);
  }
};

}  // namespace

std::unique_ptr<TrainingLayer> make_flatten_layer(const LayerContext& context) {
  return std::make_unique<FlattenLayer>(context);
}

}  // namespace sramsim
