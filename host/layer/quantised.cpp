// Quantised convolution and linear layer (a 1x1 convolution on a 1x1 image):
//   q = PACT(x), c = SAWB(w), y = (q * c)/act_scale/weight_scale (+ bias), exact integers in the forward
//   pass; straight-through gradients in the backward pass.
#include <cmath>

#include "host/layer/training_layer.h"

namespace sramsim {
namespace {

class QuantisedTrainingLayer final : public TrainingLayer {
 public:
  explicit QuantisedTrainingLayer(const LayerContext& c)
      : TrainingLayer(c),
        parameters_(c.parameters),
        fuse_relu_(c.fuse_relu),
        q_(c.backend, static_cast<size_t>(c.max_batch * placed_.conv.inputs())),
        codes_(c.backend, static_cast<size_t>(placed_.conv.weights())),
        weight_scale_(c.backend, 1) {
    const ConvShape& s = placed_.conv;
    const double bound = 1.0 / std::sqrt(static_cast<double>(s.rows()));
    const bool conv = c.spec.type == LayerType::kQConv;
    const std::vector<int64_t> shape =
        conv ? std::vector<int64_t>{s.o, s.c, s.kh, s.kw} : std::vector<int64_t>{s.o, s.c};
    weight_ = parameters_.add({.name = c.spec.name + ".weight", .shape = shape, .init_bound = bound});
    if (c.spec.bias)
      bias_ = parameters_.add({.name = c.spec.name + ".bias", .shape = {s.o}, .init_bound = bound});
    alpha_ = parameters_.add({.name = c.spec.name + ".act_quant.act_alpha",
                              .shape = {},
                              .group = ParameterGroup::kAlpha,
                              .init_value = c.alpha_init});
    args_.shape = s;
    args_.act_bits = c.act_bits;
    args_.weight_bits = c.weight_bits;
    args_.q = q_.data();
    args_.codes = codes_.data();
    args_.weight_scale = weight_scale_.data();
    args_.backward = c.conv_backward;
  }

  void prepare() override {
    args_.act_alpha = parameters_.value(alpha_);
    backend_.quantise_weights(parameters_.value(weight_), codes_.size(), args_.weight_bits, codes_.data(),
                              weight_scale_.data());
  }

  void forward(const PassContext& pass, const float* x, float* y) override {
    args_.n = pass.n;
    backend_.quantise_activations(x, static_cast<size_t>(pass.n * inputs()), args_.act_alpha, args_.act_bits,
                                  q_.data());
    backend_.quant_conv_forward(args_, bias_ < 0 ? nullptr : parameters_.value(bias_), fuse_relu_, y);
  }

  float* backward(const PassContext& pass, const float* x, const float* /*y*/, float* dy,
                  float* dx) override {
    backend_.quant_conv_backward(args_, dy, dx, parameters_.gradient(weight_),
                                 bias_ < 0 ? nullptr : parameters_.gradient(bias_));
    backend_.quantise_activations_backward(x, static_cast<size_t>(pass.n * inputs()), args_.act_alpha,
                                           input_is_relu_, dx, parameters_.gradient(alpha_));
    return dx;
  }

  int alpha_id() const override { return alpha_; }
  float weight_scale() const override {
    float scale = 0;
    weight_scale_.download(&scale);
    return scale;
  }

 private:
  ParameterSet& parameters_;
  bool fuse_relu_;
  DeviceArray<uint8_t> q_;
  DeviceArray<int8_t> codes_;
  DeviceArray<float> weight_scale_;
  QuantConvArgs args_;
  int weight_ = -1, bias_ = -1, alpha_ = -1;
};

}  // namespace

std::unique_ptr<TrainingLayer> make_quantised_layer(const LayerContext& context) {
  return std::make_unique<QuantisedTrainingLayer>(context);
}

}  // namespace sramsim
