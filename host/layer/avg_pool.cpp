// Average pooling, windows side by side.
#include "host/layer/training_layer.h"

namespace sramsim {
namespace {

class AvgPoolLayer final : public TrainingLayer {
 public:
  explicit AvgPoolLayer(const LayerContext& c) : TrainingLayer(c), size_(c.spec.kernel) {}

  void forward(const PassContext& pass, const float* x, float* y) override {
    backend_.avg_pool_forward(x, pass.n, placed_.in_h, placed_.in_w, placed_.in_c, size_, y);
  }

  float* backward(const PassContext& pass, const float* x, const float* /*y*/, float* dy,
                  float* dx) override {
    backend_.avg_pool_backward(dy, input_is_relu_ ? x : nullptr, pass.n, placed_.in_h, placed_.in_w,
                               placed_.in_c, size_, dx);
    return dx;
  }

 private:
  int size_;
};

}  // namespace

std::unique_ptr<TrainingLayer> make_avg_pool_layer(const LayerContext& context) {
  return std::make_unique<AvgPoolLayer>(context);
}

}  // namespace sramsim
