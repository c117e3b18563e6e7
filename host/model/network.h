// What a network is: an ordered list of layers with their sizes, as stored in a checkpoint's header.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/formats/tensor_file.h"
#include "kernels/core/conv_shape.h"

namespace sramsim {

enum class LayerType { kQConv, kQLinear, kReLU, kAvgPool, kMaxPool, kFlatten, kDropout };
/// As network descriptions call it: "conv", "avg_pool".
const char* type_name(LayerType type);

struct LayerSpec {
  LayerType type = LayerType::kReLU;
  std::string name = {};  ///< state-dict prefix of layers with parameters ("conv1"); unique
  int out = 0;            ///< output channels / features
  int kernel = 1;         ///< conv: KH = KW; pool: window = stride
  int stride = 1;
  int padding = 0;
  bool bias = false;
  double p = 0.0;  ///< dropout

  bool quantised() const { return type == LayerType::kQConv || type == LayerType::kQLinear; }
  friend bool operator==(const LayerSpec&, const LayerSpec&) = default;
};

struct NetworkSpec {
  std::string name = "network";
  int c = 1, h = 28, w = 28;  ///< input image
  int classes = 10;
  int weight_bits = 4, act_bits = 4;
  std::vector<LayerSpec> layers;

  /// Shape of every layer's input and output ([H,W,C]); conv shapes of the quantised ones. InputError if they
  /// do not fit.
  struct Placed {
    ConvShape conv;  ///< quantised layers (a linear layer is a 1x1 conv on a 1x1 image)
    int in_h, in_w, in_c;
    int out_h, out_w, out_c;
  };
  std::vector<Placed> place() const;
  friend bool operator==(const NetworkSpec&, const NetworkSpec&) = default;
};

/// InputError unless weight bits are 2..8 and activation bits 1..8.
void check_bits(int weight_bits, int act_bits);
/// Replaces the widths that are given (for checkpoints that carry none, or to ask what another width would
/// cost).
void override_bits(NetworkSpec& spec, std::optional<int> weight_bits, std::optional<int> act_bits);

/// from_json throws InputError on anything but what to_json writes.
void to_json(nlohmann::json& j, const NetworkSpec& spec);
void from_json(const nlohmann::json& j, NetworkSpec& spec);

/// A network with its trained tensors under PyTorch names ("conv1.weight" [O,C,KH,KW],
/// "conv1.act_quant.act_alpha" [], "fc1.weight" [O,I], "fc1.bias" [O]).
struct Checkpoint {
  NetworkSpec network;
  TensorFile file;
};

/// safetensors of ours (network in metadata "sramsim.network"), or a PyTorch checkpoint (or safetensors
/// without that entry) of the seed network; those carry no widths: 4 bits each, see override_bits. Prefixes
/// that wrappers put before every name ("module." of DataParallel) are stripped. Missing, extra and wrongly
/// shaped tensors, NaN or infinite weights and alphas <= 0 are InputErrors naming the tensor. Tensors named
/// "optimizer.*" are allowed beside the network's own, which come back as float32.
Checkpoint load_checkpoint(const std::filesystem::path& path);
/// Written atomically. RunError if it cannot be written, or if the tensors are not what load_checkpoint would
/// take back (a diverged training must not replace a good file).
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

}  // namespace sramsim
