#include "host/layer/parameters.h"

#include <functional>
#include <numeric>

#include "host/layer/random_streams.h"
#include "host/util/layout.h"

namespace sramsim {
namespace {

constexpr size_t kBoundary = 16;  // floats: one cache line, one vector

size_t padded(size_t count) {
  return (count + kBoundary - 1) / kBoundary * kBoundary;
}

}  // namespace

size_t Parameter::count() const {
  return static_cast<size_t>(std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>()));
}

int ParameterSet::add(Parameter parameter) {
  parameters_.push_back(std::move(parameter));
  return size() - 1;
}

void ParameterSet::allocate(Backend& backend) {
  backend_ = &backend;
  offsets_.assign(parameters_.size(), 0);
  size_t at = 0;
  for (const ParameterGroup group : {ParameterGroup::kWeight, ParameterGroup::kAlpha}) {
    for (size_t id = 0; id < parameters_.size(); ++id) {
      if (parameters_[id].group != group) continue;
      offsets_[id] = at;
      at += padded(parameters_[id].count());
    }
    if (group == ParameterGroup::kWeight) weight_floats_ = at;
  }
  alpha_floats_ = at - weight_floats_;
  for (DeviceArray<float>* array : {&values_, &gradients_, &momenta_}) {
    *array = DeviceArray<float>(backend, at);
    array->zero();
  }
}

HostTensor ParameterSet::download(const DeviceArray<float>& from, int id) const {
  const Parameter& p = at(id);
  HostTensor tensor = make_tensor(DType::kF32, p.shape);
  if (!p.channels_last()) {
    backend_->download(tensor.as<float>(), from.data() + offset(id), p.count() * sizeof(float));
    return tensor;
  }
  std::vector<float> memory(p.count());
  backend_->download(memory.data(), from.data() + offset(id), p.count() * sizeof(float));
  to_channels_first(memory.data(), p.shape[0], p.shape[1], p.shape[2] * p.shape[3], tensor.as<float>());
  return tensor;
}

void ParameterSet::upload(DeviceArray<float>& to, int id, const HostTensor& tensor) {
  const Parameter& p = at(id);
  if (!p.channels_last()) {
    backend_->upload(to.data() + offset(id), tensor.as<float>(), p.count() * sizeof(float));
    return;
  }
  std::vector<float> memory(p.count());
  to_channels_last(tensor.as<float>(), p.shape[0], p.shape[1], p.shape[2] * p.shape[3], memory.data());
  backend_->upload(to.data() + offset(id), memory.data(), p.count() * sizeof(float));
}

void ParameterSet::initialise(uint64_t seed) {
  for (int id = 0; id < size(); ++id) {
    const Parameter& p = at(id);
    HostTensor tensor = make_tensor(DType::kF32, p.shape);
    const RandomKey key{seed, random_stream(RandomPurpose::kInitialise, static_cast<uint32_t>(id)), 0};
    const auto bound = static_cast<float>(p.init_bound);
    for (size_t i = 0; i < p.count(); ++i)
      tensor.as<float>()[i] = p.init_value + bound * (2.0f * unit_float(philox_word(key, i)) - 1.0f);
    upload_value(id, tensor);
  }
  momenta_.zero();
}

void ParameterSet::zero_alpha_gradients() {
  backend_->fill_zero(gradients_.data() + weight_floats_, alpha_floats_ * sizeof(float));
}

void ParameterSet::sgd_step(float lr, float momentum, float weight_decay, float alpha_decay) {
  const auto update = [&](size_t at, size_t count, float decay) {
    backend_->sgd_step(values_.data() + at, gradients_.data() + at, momenta_.data() + at, count, lr, momentum,
                       decay);
  };
  update(0, weight_floats_, weight_decay);
  update(weight_floats_, alpha_floats_, weight_decay + alpha_decay);
}

}  // namespace sramsim
