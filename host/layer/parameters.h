// The learned tensors of a network in one allocation each for values, gradients and momenta: one update call
// per group whatever the number of layers.
//
//   values     | weights and biases, every tensor on a 16-float boundary | clipping levels |
//   gradients  | the same                                                 |                 |
//   momenta    | the same                                                 |                 |
// Gaps stay zero under every update.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "host/formats/npy.h"
#include "kernels/backend/backend.h"

namespace sramsim {

enum class ParameterGroup {
  kWeight,  ///< weights and biases
  kAlpha,   ///< PACT clipping levels
};

struct Parameter {
  std::string name;            ///< state-dict name
  std::vector<int64_t> shape;  ///< as in files: weights [O,C,KH,KW] or [O,I]
  ParameterGroup group = ParameterGroup::kWeight;
  double init_bound = 0.0;  ///< initial values are uniform in +-init_bound
  float init_value = 0.0f;  ///< ... around this

  size_t count() const;
  /// In memory a convolution's weights are channels-last, [O,KH,KW,C].
  bool channels_last() const { return shape.size() == 4; }
};

class ParameterSet {
 public:
  /// Declares a tensor; all are declared before allocate(). Returns its id.
  int add(Parameter parameter);
  void allocate(Backend& backend);

  int size() const { return static_cast<int>(parameters_.size()); }
  const Parameter& at(int id) const { return parameters_[static_cast<size_t>(id)]; }
  float* value(int id) const { return values_.data() + offset(id); }
  float* gradient(int id) const { return gradients_.data() + offset(id); }

  /// Between the backend's memory and a tensor as files hold it.
  HostTensor download_value(int id) const { return download(values_, id); }
  HostTensor download_momentum(int id) const { return download(momenta_, id); }
  void upload_value(int id, const HostTensor& tensor) { upload(values_, id, tensor); }
  void upload_momentum(int id, const HostTensor& tensor) { upload(momenta_, id, tensor); }

  /// PyTorch's default initialisation by Philox: depends on seed, tensor and element only.
  void initialise(uint64_t seed);
  void zero_alpha_gradients();
  void sgd_step(float lr, float momentum, float weight_decay, float alpha_decay);

 private:
  size_t offset(int id) const { return offsets_[static_cast<size_t>(id)]; }
  HostTensor download(const DeviceArray<float>& from, int id) const;
  void upload(DeviceArray<float>& to, int id, const HostTensor& tensor);

  Backend* backend_ = nullptr;
  std::vector<Parameter> parameters_;
  std::vector<size_t> offsets_;
  size_t weight_floats_ = 0, alpha_floats_ = 0;
  DeviceArray<float> values_, gradients_, momenta_;
};

}  // namespace sramsim
