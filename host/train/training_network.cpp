#include "host/train/training_network.h"

#include <algorithm>

#include "host/train/alpha_calibration.h"
#include "kernels/core/error.h"

namespace sramsim {

TrainingNetwork::TrainingNetwork(Backend& backend, const NetworkSpec& spec,
                                 const TrainingNetworkOptions& options)
    : backend_(backend), spec_(spec), loss_(options.loss), seed_(options.seed) {
  build(options);
  parameters_.allocate(backend);
  parameters_.initialise(options.seed);

  const auto batch = static_cast<size_t>(options.max_batch);
  size_t largest = static_cast<size_t>(layers_.front()->inputs());
  activations_.emplace_back(backend, batch * largest);
  for (const auto& layer : layers_) {
    const auto outputs = static_cast<size_t>(layer->outputs());
    activations_.emplace_back(backend, batch * outputs);
    largest = std::max(largest, outputs);
  }
  for (auto& gradient : gradient_) gradient = DeviceArray<float>(backend, batch * largest);
  bytes_ = DeviceArray<uint8_t>(backend, batch * static_cast<size_t>(layers_.front()->inputs()));
  labels_ = DeviceArray<uint8_t>(backend, batch);
  loss_sum_ = DeviceArray<float>(backend, 1);
  correct_ = DeviceArray<int32_t>(backend, 1);
  reset_totals();
}

void TrainingNetwork::build(const TrainingNetworkOptions& options) {
  const auto placed = spec_.place();
  bool relu_before = false;
  for (size_t i = 0; i < spec_.layers.size(); ++i) {
    const LayerSpec& layer = spec_.layers[i];
    // A ReLU is fused only where a layer follows that masks its gradient.
    const bool fuse =
        layer.quantised() && i + 2 < spec_.layers.size() && spec_.layers[i + 1].type == LayerType::kReLU;
    layers_.push_back(make_training_layer({.backend = backend_,
                                           .parameters = parameters_,
                                           .spec = layer,
                                           .placed = placed[i],
                                           .index = static_cast<int>(i),
                                           .max_batch = options.max_batch,
                                           .weight_bits = spec_.weight_bits,
                                           .act_bits = spec_.act_bits,
                                           .alpha_init = options.alpha_init,
                                           .conv_backward = options.conv_backward,
                                           .input_is_relu = relu_before,
                                           .fuse_relu = fuse}));
    relu_before = fuse;
    if (fuse) ++i;  // the ReLU is part of the layer before it
  }
}

void TrainingNetwork::load_images(const uint8_t* images, int n) {
  const auto count = static_cast<size_t>(n * layers_.front()->inputs());
  backend_.upload(bytes_.data(), images, count);
  backend_.bytes_to_unit(bytes_.data(), count, activation(0));
  if (stale_)
    for (auto& layer : layers_) layer->prepare();
  stale_ = false;
}

void TrainingNetwork::forward(const PassContext& pass) {
  for (size_t i = 0; i < layers_.size(); ++i) layers_[i]->forward(pass, activation(i), activation(i + 1));
}

void TrainingNetwork::loss(const uint8_t* labels, int n, float* dlogits) {
  backend_.upload(labels_.data(), labels, static_cast<size_t>(n));
  const float* logits = activation(layers_.size());
  if (loss_ == Loss::kCrossEntropy)
    backend_.softmax_cross_entropy(logits, labels_.data(), n, spec_.classes, loss_sum_.data(), dlogits,
                                   correct_.data());
  else
    backend_.mse_one_hot(logits, labels_.data(), n, spec_.classes, loss_sum_.data(), dlogits,
                         correct_.data());
}

void TrainingNetwork::forward_backward(const uint8_t* images, const uint8_t* labels, int n, uint64_t step) {
  const PassContext pass{.n = n, .training = true, .seed = seed_, .step = step};
  load_images(images, n);
  forward(pass);
  parameters_.zero_alpha_gradients();
  float* gradient = gradient_[0].data();
  loss(labels, n, gradient);
  for (size_t i = layers_.size(); i-- > 0;) {
    float* other = gradient == gradient_[0].data() ? gradient_[1].data() : gradient_[0].data();
    gradient = layers_[i]->backward(pass, activation(i), activation(i + 1), gradient, other);
  }
}

void TrainingNetwork::update(float lr, float momentum, float weight_decay, float alpha_lambda) {
  // The loss holds lambda * sum(alpha^2), whose gradient is a decay of 2*lambda.
  parameters_.sgd_step(lr, momentum, weight_decay, 2.0f * alpha_lambda);
  stale_ = true;
}

void TrainingNetwork::evaluate(const uint8_t* images, const uint8_t* labels, int n) {
  load_images(images, n);
  forward({.n = n, .training = false, .seed = seed_, .step = 0});
  loss(labels, n, nullptr);
}

std::vector<float> TrainingNetwork::logits(int n) const {
  std::vector<float> host(static_cast<size_t>(n) * static_cast<size_t>(spec_.classes));
  backend_.download(host.data(), activation(layers_.size()), host.size() * sizeof(float));
  return host;
}

void TrainingNetwork::calibrate_alphas(const uint8_t* images, int n) {
  const PassContext pass{.n = n, .training = false, .seed = seed_, .step = 0};
  load_images(images, n);
  std::vector<float> x;
  for (size_t i = 0; i < layers_.size(); ++i) {
    if (const int id = layers_[i]->alpha_id(); id >= 0) {
      x.resize(static_cast<size_t>(n * layers_[i]->inputs()));
      backend_.download(x.data(), activation(i), x.size() * sizeof(float));
      HostTensor alpha = make_tensor(DType::kF32, {});
      *alpha.as<float>() = best_activation_clip(x, spec_.act_bits);
      parameters_.upload_value(id, alpha);
    }
    layers_[i]->forward(pass, activation(i), activation(i + 1));
  }
}

Totals TrainingNetwork::totals() const {
  Totals totals;
  loss_sum_.download(&totals.loss);
  correct_.download(&totals.correct);
  return totals;
}

void TrainingNetwork::set_totals(const Totals& totals) {
  loss_sum_.upload(&totals.loss);
  correct_.upload(&totals.correct);
}

std::vector<TrainingNetwork::LayerValue> TrainingNetwork::alphas() const {
  std::vector<LayerValue> all;
  for (const auto& layer : layers_)
    if (const int id = layer->alpha_id(); id >= 0)
      all.push_back({layer->name(), *parameters_.download_value(id).as<float>()});
  return all;
}

std::vector<TrainingNetwork::LayerValue> TrainingNetwork::weight_scales() const {
  std::vector<LayerValue> all;
  for (const auto& layer : layers_)
    if (layer->alpha_id() >= 0) all.push_back({layer->name(), layer->weight_scale()});
  return all;
}

}  // namespace sramsim
