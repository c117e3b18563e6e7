// NetworkSpec as JSON:
//   {"name": "seed", "input": [1, 28, 28], "classes": 10, "weight_bits": 4, "act_bits": 4,
//    "layers": [{"type": "conv", "name": "conv1", "out": 128, "kernel": 3, "stride": 1, "padding": 0,
//                "bias": false}, {"type": "relu"}, ...]}
#include <fmt/format.h>

#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "host/formats/input_file.h"
#include "host/model/network.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

using nlohmann::json;

constexpr size_t kMaxLayers = 10000;

struct TypeName {
  LayerType type;
  const char* name;
};
constexpr std::array<TypeName, 7> kTypes{{{LayerType::kQConv, "conv"},
                                          {LayerType::kQLinear, "linear"},
                                          {LayerType::kReLU, "relu"},
                                          {LayerType::kAvgPool, "avg_pool"},
                                          {LayerType::kMaxPool, "max_pool"},
                                          {LayerType::kFlatten, "flatten"},
                                          {LayerType::kDropout, "dropout"}}};

[[noreturn]] void fail(const std::string& what) {
  throw InputError("network description: " + what);
}

const json& member(const json& j, const char* key) {
  if (!j.is_object()) fail("an object was expected");
  const auto it = j.find(key);
  if (it == j.end()) fail(fmt::format("'{}' is missing", key));
  return *it;
}

int as_int(const json& value, const char* key) {
  // Unsigned numbers beyond int64 would wrap in get<int64_t>().
  const bool huge = value.is_number_unsigned() && value.get<uint64_t>() > std::numeric_limits<int>::max();
  if (!value.is_number_integer() || huge || value.get<int64_t>() < 0 ||
      value.get<int64_t>() > std::numeric_limits<int>::max())
    fail(fmt::format("'{}' is not a number of 0 to 2^31-1", key));
  return value.get<int>();
}

std::string as_text(const json& value, const char* key) {
  if (!value.is_string()) fail(fmt::format("'{}' is not a text", key));
  auto text = value.get<std::string>();
  if (printable(text) != text) fail(fmt::format("'{}' is not a short plain text: {}", key, printable(text)));
  return text;
}

json layer_json(const LayerSpec& layer) {
  json j;
  j["type"] = type_name(layer.type);
  switch (layer.type) {
    case LayerType::kQConv:
      j.update({{"name", layer.name},
                {"out", layer.out},
                {"kernel", layer.kernel},
                {"stride", layer.stride},
                {"padding", layer.padding},
                {"bias", layer.bias}});
      break;
    case LayerType::kQLinear:
      j.update({{"name", layer.name}, {"out", layer.out}, {"bias", layer.bias}});
      break;
    case LayerType::kAvgPool:
    case LayerType::kMaxPool:
      j["kernel"] = layer.kernel;
      break;
    case LayerType::kDropout:
      j["p"] = layer.p;
      break;
    case LayerType::kReLU:
    case LayerType::kFlatten:
      break;
  }
  if (!layer.quantised() && !layer.name.empty()) j["name"] = layer.name;
  return j;
}

LayerType layer_type(const std::string& name) {
  for (const TypeName& t : kTypes)
    if (name == t.name) return t.type;
  fail(fmt::format("unknown layer type '{}'", printable(name)));
}

LayerSpec layer_from(const json& j) {
  LayerSpec layer;
  layer.type = layer_type(as_text(member(j, "type"), "type"));
  if (j.contains("name")) layer.name = as_text(j["name"], "name");
  if (layer.quantised()) {
    layer.name = as_text(member(j, "name"), "name");
    layer.out = as_int(member(j, "out"), "out");
    const json& bias = member(j, "bias");
    if (!bias.is_boolean()) fail("'bias' is neither true nor false");
    layer.bias = bias.get<bool>();
  }
  if (layer.type == LayerType::kQConv) {
    layer.stride = as_int(member(j, "stride"), "stride");
    layer.padding = as_int(member(j, "padding"), "padding");
  }
  if (layer.type == LayerType::kQConv || layer.type == LayerType::kAvgPool ||
      layer.type == LayerType::kMaxPool)
    layer.kernel = as_int(member(j, "kernel"), "kernel");
  if (layer.type == LayerType::kDropout) {
    const json& p = member(j, "p");
    if (!p.is_number()) fail("'p' is not a number");
    layer.p = p.get<double>();
  }
  return layer;
}

}  // namespace

const char* type_name(LayerType type) {
  for (const TypeName& t : kTypes)
    if (t.type == type) return t.name;
  return "";
}

void to_json(json& j, const NetworkSpec& spec) {
  json layers = json::array();
  for (const LayerSpec& layer : spec.layers) layers.push_back(layer_json(layer));
  j = {{"name", spec.name},         {"input", {spec.c, spec.h, spec.w}},
       {"classes", spec.classes},   {"weight_bits", spec.weight_bits},
       {"act_bits", spec.act_bits}, {"layers", std::move(layers)}};
}

void from_json(const json& j, NetworkSpec& spec) {
  spec = {};
  spec.name = as_text(member(j, "name"), "name");
  const json& input = member(j, "input");
  if (!input.is_array() || input.size() != 3) fail("'input' is not a list of channels, height and width");
  spec.c = as_int(input[0], "input");
  spec.h = as_int(input[1], "input");
  spec.w = as_int(input[2], "input");
  spec.classes = as_int(member(j, "classes"), "classes");
  spec.weight_bits = as_int(member(j, "weight_bits"), "weight_bits");
  spec.act_bits = as_int(member(j, "act_bits"), "act_bits");
  const json& layers = member(j, "layers");
  if (!layers.is_array() || layers.size() > kMaxLayers)
    fail(fmt::format("'layers' is not a list of at most {} layers", kMaxLayers));
  for (const json& layer : layers) spec.layers.push_back(layer_from(layer));
}

}  // namespace sramsim
