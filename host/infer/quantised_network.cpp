#include "host/infer/quantised_network.h"

#include <fmt/format.h>

#include "host/util/layout.h"
#include "kernels/core/error.h"
#include "kernels/core/quantise.h"

namespace sramsim {
namespace {

void check_width(const char* option, int bits, int low, int high) {
  if (bits < low || bits > high)
    throw InputError(fmt::format("{} {}: must be {}..{}", option, bits, low, high));
}

const HostTensor& tensor(const Checkpoint& checkpoint, const std::string& name, int64_t count) {
  const auto found = checkpoint.file.tensors.find(name);
  if (found == checkpoint.file.tensors.end())
    throw InputError(fmt::format("checkpoint: tensor {} is missing", name));
  const HostTensor& t = found->second;
  if (t.dtype != DType::kF32 || t.count() != count)
    throw InputError(fmt::format("checkpoint: tensor {} must hold {} float32 values, holds {} {}", name,
                                 count, t.count(), dtype_name(t.dtype)));
  return t;
}

DeviceArray<float> upload(Backend& backend, const HostTensor& t) {
  DeviceArray<float> array(backend, static_cast<size_t>(t.count()));
  array.upload(t.as<float>());
  return array;
}

bool identity_at_inference(const LayerSpec& layer, const NetworkSpec::Placed& at) {
  if (layer.type == LayerType::kDropout) return true;
  return layer.type == LayerType::kFlatten && at.in_h == 1 && at.in_w == 1;
}

}  // namespace

QuantisedNetwork::QuantisedNetwork(Backend& backend, const Checkpoint& checkpoint, int weight_bits,
                                   int act_bits)
    : spec_(checkpoint.network) {
  if (weight_bits != 0) spec_.weight_bits = weight_bits;
  if (act_bits != 0) spec_.act_bits = act_bits;
  check_width("--wbits", spec_.weight_bits, 2, 8);
  check_width("--abits", spec_.act_bits, 1, 8);
  const auto placed = spec_.place();
  for (size_t i = 0; i < spec_.layers.size(); ++i) {
    const LayerSpec& layer = spec_.layers[i];
    const auto& at = placed[i];
    if (layer.quantised()) {
      add_quantised(backend, checkpoint, layer, at.conv);
      plain_.emplace_back();
    } else if (!identity_at_inference(layer, at)) {
      plain_.back().push_back(
          {layer.type, layer.kernel, at.in_h, at.in_w, at.in_c, int64_t{at.out_h} * at.out_w * at.out_c});
    }
  }
  if (layers_.empty()) throw InputError(fmt::format("network {}: has no quantised layer", spec_.name));
  const auto& last = placed.back();
  if (int64_t{last.out_h} * last.out_w * last.out_c != spec_.classes)
    throw InputError(fmt::format("network {}: ends in [{},{},{}], not in {} classes", spec_.name, last.out_h,
                                 last.out_w, last.out_c, spec_.classes));
}

void QuantisedNetwork::add_quantised(Backend& backend, const Checkpoint& checkpoint, const LayerSpec& layer,
                                     const ConvShape& shape) {
  QuantisedLayer made;
  made.name = layer.name;
  made.type = layer.type;
  made.shape = shape;

  const auto count = static_cast<size_t>(shape.weights());
  const HostTensor& weight = tensor(checkpoint, layer.name + ".weight", shape.weights());
  std::vector<float> channels_last(count);
  to_channels_last(weight.as<float>(), shape.o, shape.c, shape.positions(), channels_last.data());
  DeviceArray<float> w(backend, count);
  w.upload(channels_last.data());
  DeviceArray<int8_t> codes(backend, count);
  DeviceArray<float> scale(backend, 1);
  backend.quantise_weights(w.data(), count, spec_.weight_bits, codes.data(), scale.data());
  made.codes.resize(count);
  codes.download(made.codes.data());
  scale.download(&made.weight_scale);

  const HostTensor& alpha = tensor(checkpoint, layer.name + ".act_quant.act_alpha", 1);
  made.act_alpha = upload(backend, alpha);
  made.act_scale = act_scale_of(*alpha.as<float>(), spec_.act_bits);
  if (layer.bias) made.bias = upload(backend, tensor(checkpoint, layer.name + ".bias", shape.o));
  layers_.push_back(std::move(made));
}

}  // namespace sramsim
