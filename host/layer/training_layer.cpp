#include "host/layer/training_layer.h"

#include "kernels/core/error.h"

namespace sramsim {

TrainingLayer::TrainingLayer(const LayerContext& context)
    : backend_(context.backend),
      name_(context.spec.name),
      type_(context.spec.type),
      placed_(context.placed),
      input_is_relu_(context.input_is_relu) {}

int64_t TrainingLayer::inputs() const {
  return int64_t{placed_.in_h} * placed_.in_w * placed_.in_c;
}

int64_t TrainingLayer::outputs() const {
  return int64_t{placed_.out_h} * placed_.out_w * placed_.out_c;
}

float* TrainingLayer::mask_relu(const PassContext& pass, const float* x, float* dx) {
  if (input_is_relu_) backend_.relu_backward(x, static_cast<size_t>(pass.n * inputs()), dx);
  return dx;
}

std::unique_ptr<TrainingLayer> make_training_layer(const LayerContext& context) {
  static constexpr TrainingLayerType kTypes[] = {
      {LayerType::kQConv, make_quantised_layer},  {LayerType::kQLinear, make_quantised_layer},
      {LayerType::kReLU, make_relu_layer},        {LayerType::kAvgPool, make_avg_pool_layer},
      {LayerType::kMaxPool, make_max_pool_layer}, {LayerType::kFlatten, make_flatten_layer},
      {LayerType::kDropout, make_dropout_layer}};
  for (const TrainingLayerType& type : kTypes)
    if (type.type == context.spec.type) return type.make(context);
  throw InputError("network: a layer of a type that cannot be trained");
}

}  // namespace sramsim
