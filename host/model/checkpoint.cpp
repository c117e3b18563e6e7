#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "host/formats/input_file.h"
#include "host/model/network.h"
#include "kernels/core/error.h"
#include "models/seed_network.h"

namespace sramsim {
namespace {

constexpr const char* kNetworkKey = "sramsim.network";
constexpr std::string_view kOptimizerPrefix = "optimizer.";

/// What DataParallel and torch.compile put before every name.
constexpr std::array<std::string_view, 2> kWrapperPrefixes{"module.", "_orig_mod."};

struct Expected {
  std::vector<int64_t> shape;
  bool positive = false;  ///< a clipping level: must be above zero
};

/// The parameters of every quantised layer under their PyTorch names.
std::map<std::string, Expected> expected_tensors(const NetworkSpec& network) {
  std::map<std::string, Expected> expected;
  const auto placed = network.place();
  for (size_t i = 0; i < placed.size(); ++i) {
    const LayerSpec& layer = network.layers[i];
    if (!layer.quantised()) continue;
    const ConvShape& s = placed[i].conv;
    const bool conv = layer.type == LayerType::kQConv;
    expected[layer.name + ".weight"] = {conv ? std::vector<int64_t>{s.o, s.c, s.kh, s.kw}
                                             : std::vector<int64_t>{s.o, s.c}};
    expected[layer.name + ".act_quant.act_alpha"] = {{}, true};
    if (layer.bias) expected[layer.name + ".bias"] = {{s.o}};
  }
  return expected;
}

bool strip_prefix(std::map<std::string, HostTensor>& tensors, std::string_view prefix) {
  for (const auto& [name, tensor] : tensors)
    if (!name.starts_with(prefix)) return false;
  std::map<std::string, HostTensor> stripped;
  while (!tensors.empty()) {
    auto node = tensors.extract(tensors.begin());
    node.key().erase(0, prefix.size());
    stripped.insert(std::move(node));
  }
  tensors = std::move(stripped);
  return !tensors.empty();
}

void strip_wrappers(std::map<std::string, HostTensor>& tensors) {
  for (bool again = true; again;) {
    again = false;
    for (std::string_view prefix : kWrapperPrefixes) again = again || strip_prefix(tensors, prefix);
  }
}

/// float64 is narrowed; integers cannot be trained weights. Returns false for those.
bool to_float32(HostTensor& tensor) {
  if (tensor.dtype == DType::kF32) return true;
  if (tensor.dtype != DType::kF64) return false;
  HostTensor narrow = make_tensor(DType::kF32, tensor.shape);
  for (int64_t i = 0; i < tensor.count(); ++i)
    narrow.as<float>()[i] = static_cast<float>(tensor.as<double>()[i]);
  tensor = std::move(narrow);
  return true;
}

/// Empty, or what is wrong with the tensor. A clipping level of shape [1] becomes the scalar it is.
std::string normalise(const std::string& name, const Expected& expected, HostTensor& tensor) {
  const bool scalar = expected.shape.empty() && tensor.shape == std::vector<int64_t>{1};
  if (tensor.shape != expected.shape && !scalar)
    return fmt::format("tensor '{}' has shape [{}], the network needs [{}]", name,
                       fmt::join(tensor.shape, ","), fmt::join(expected.shape, ","));
  if (scalar) tensor.shape.clear();
  if (!to_float32(tensor))
    return fmt::format("tensor '{}' holds {} values, the network needs float32", name,
                       dtype_name(tensor.dtype));
  const float* v = tensor.as<float>();
  for (int64_t i = 0; i < tensor.count(); ++i) {
    if (!std::isfinite(v[i]))
      return fmt::format("tensor '{}' holds the value {} at element {}", name, v[i], i);
    if (expected.positive && !(v[i] > 0.0f))
      return fmt::format("tensor '{}' is {}, but must be positive", name, v[i]);
  }
  return {};
}

/// Empty if the tensors are exactly the network's, else the first thing that is wrong.
std::string check(const NetworkSpec& network, std::map<std::string, HostTensor>& tensors) {
  const auto expected = expected_tensors(network);
  for (const auto& [name, e] : expected) {
    const auto it = tensors.find(name);
    if (it == tensors.end()) return fmt::format("tensor '{}' of network '{}' is missing", name, network.name);
    if (std::string wrong = normalise(name, e, it->second); !wrong.empty()) return wrong;
  }
  for (const auto& [name, tensor] : tensors)
    if (!expected.contains(name) && !name.starts_with(kOptimizerPrefix))
      return fmt::format("tensor '{}' does not belong to network '{}'", printable(name), network.name);
  return {};
}

NetworkSpec parse_network(const std::string& text) {
  const nlohmann::json j = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (j.is_discarded()) throw InputError("network description: not JSON");
  auto network = j.get<NetworkSpec>();
  network.place();
  return network;
}

}  // namespace

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  Checkpoint checkpoint{{}, read_tensor_file(path)};
  auto& metadata = checkpoint.file.metadata;
  try {
    if (const auto it = metadata.find(kNetworkKey); it != metadata.end()) {
      checkpoint.network = parse_network(it->second);
    } else {
      checkpoint.network = seed_network();
      strip_wrappers(checkpoint.file.tensors);
    }
    if (const std::string wrong = check(checkpoint.network, checkpoint.file.tensors); !wrong.empty())
      throw InputError(wrong);
  } catch (const InputError& e) {
    throw InputError(fmt::format("{}: {}", path.string(), e.what()));
  }
  return checkpoint;
}

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  TensorFile file = checkpoint.file;
  if (const std::string wrong = check(checkpoint.network, file.tensors); !wrong.empty())
    throw RunError(fmt::format("{}: not written: {}", path.string(), wrong));
  file.metadata[kNetworkKey] = nlohmann::json(checkpoint.network).dump();
  write_safetensors(path, file);
}

}  // namespace sramsim
