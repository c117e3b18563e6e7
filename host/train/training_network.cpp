#include "host/train/training_network.h"

#include <algorithm>

#include "host/train/alpha_calibration.h"
#include "kernels/cuda/profile_range.h"

namespace sramsim {

TrainingNetwork::TrainingNetwork(Backend& backend, const NetworkSpec& spec,
                                 const TrainingNetworkOptions& options)
    : backend_(backend),
      spec_(spec),
      loss_(options.loss),
      max_batch_(options.max_batch),
      seed_(options.seed) {
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
  step_ = DeviceArray<uint64_t>(backend, 1);
  step_.zero();
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

void TrainingNetwork::upload_batch(const uint8_t* images, const uint8_t* labels, int n) {
  backend_.upload(bytes_.data(), images, static_cast<size_t>(n * layers_.front()->inputs()));
  if (labels) backend_.upload(labels_.data(), labels, static_cast<size_t>(n));
}

void TrainingNetwork::prepare() {
  const ProfileRange range("prepare");
  for (auto& layer : layers_) layer->prepare();
  stale_ = false;
}

void TrainingNetwork::forward(const PassContext& pass) {
  backend_.bytes_to_unit(bytes_.data(), static_cast<size_t>(pass.n * layers_.front()->inputs()),
                         activation(0));
  for (size_t i = 0; i < layers_.size(); ++i) {
    const ProfileRange range(layers_[i]->label());
    layers_[i]->forward(pass, activation(i), activation(i + 1));
  }
}

void TrainingNetwork::loss(int n, float* dlogits) {
  const float* logits = activation(layers_.size());
  if (loss_ == Loss::kCrossEntropy)
    backend_.softmax_cross_entropy(logits, labels_.data(), n, spec_.classes, loss_sum_.data(), dlogits,
                                   correct_.data());
  else
    backend_.mse_one_hot(logits, labels_.data(), n, spec_.classes, loss_sum_.data(), dlogits,
                         correct_.data());
}

void TrainingNetwork::gradients(int n) {
  const PassContext pass = pass_of(n, true);
  forward(pass);
  parameters_.zero_alpha_gradients();
  float* gradient = gradient_[0].data();
  loss(n, gradient);
  for (size_t i = layers_.size(); i-- > 0;) {
    const ProfileRange range(layers_[i]->label());
    float* other = gradient == gradient_[0].data() ? gradient_[1].data() : gradient_[0].data();
    gradient = layers_[i]->backward(pass, activation(i), activation(i + 1), gradient, other);
  }
}

void TrainingNetwork::forward_backward(const uint8_t* images, const uint8_t* labels, int n, uint64_t step) {
  upload_batch(images, labels, n);
  step_.upload(&step);
  if (stale_) prepare();
  gradients(n);
}

void TrainingNetwork::update(const UpdateSettings& s) {
  // The loss holds lambda * sum(alpha^2), whose gradient is a decay of 2*lambda.
  parameters_.sgd_step(s.lr, s.momentum, s.weight_decay, 2.0f * s.alpha_lambda);
  stale_ = true;
}

void TrainingNetwork::train_step(int n, uint64_t step, const UpdateSettings& settings, const Note& note) {
  const ProfileRange range("step");
  step_.upload(&step);
  if (n == max_batch_ && run_recorded(n, settings, note)) return;
  if (stale_) prepare();
  gradients(n);
  update(settings);
}

/// Only steps of the full size are recorded: what they use has its largest size, so that nothing that a
/// recording refers to grows later.
bool TrainingNetwork::run_recorded(int n, const UpdateSettings& settings, const Note& note) {
  RecordedStep& r = recorded_;
  if (r.refused) return false;
  if (!r.warm) {
    r.warm = true;
    return false;
  }
  if (!r.recording || r.settings != settings) {
    std::string reason;
    r.settings = settings;
    r.recording = backend_.record(
        [this, n, settings] {
          prepare();
          gradients(n);
          update(settings);
        },
        &reason);
    r.refused = r.recording == nullptr;
    if (note && r.recording) note("training step: recorded, repeated as one graph");
    if (note && r.refused && !reason.empty()) note("training step: not recorded, " + reason);
    if (r.refused) {
      stale_ = true;  // a recording that broke off has prepared nothing
      return false;
    }
  }
  r.recording->run();
  stale_ = true;
  return true;
}

void TrainingNetwork::evaluate(int n) {
  if (stale_) prepare();
  forward(pass_of(n, false));
  loss(n, nullptr);
}

void TrainingNetwork::evaluate(const uint8_t* images, const uint8_t* labels, int n) {
  upload_batch(images, labels, n);
  evaluate(n);
}

std::vector<float> TrainingNetwork::logits(int n) const {
  std::vector<float> host(static_cast<size_t>(n) * static_cast<size_t>(spec_.classes));
  backend_.download(host.data(), activation(layers_.size()), host.size() * sizeof(float));
  return host;
}

void TrainingNetwork::calibrate_alphas(const uint8_t* images, int n) {
  upload_batch(images, nullptr, n);
  calibrate_alphas(n);
}

void TrainingNetwork::calibrate_alphas(int n) {
  const PassContext pass = pass_of(n, false);
  if (stale_) prepare();
  backend_.bytes_to_unit(bytes_.data(), static_cast<size_t>(n * layers_.front()->inputs()), activation(0));
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
