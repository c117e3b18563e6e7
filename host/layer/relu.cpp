// A ReLU that no quantised layer before it could apply itself.
#include "host/layer/training_layer.h"

namespace sramsim {
namespace {

class ReluLayer final : public TrainingLayer {
 public:
  using TrainingLayer::TrainingLayer;

  void forward(const PassContext& pass, const float* x, float* y) override {
    backend_.relu_forward(x, static_cast<size_t>(pass.n * outputs()), y);
  }

  /// The input of a second ReLU in a row has the same mask as its output: input_is_relu asks for nothing
  /// more.
  float* backward(const PassContext& pass, const float* /*x*/, const float* y, float* dy,
                  float* /*dx*/) override {
    backend_.relu_backward(y, static_cast<size_t>(pass.n * outputs()), dy);
    return dy;
  }
};

}  // namespace

std::unique_ptr<TrainingLayer> make_relu_layer(const LayerContext& context) {
  return std::make_unique<ReluLayer>(context);
}

}  // namespace sramsim
