// A small random network and dataset, and a straightforward evaluation to compare the engine with.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>

#include "datasets/idx.h"
#include "host/infer/design_point.h"
#include "host/model/network.h"
#include "kernels/core/quantise.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim::test {
namespace toy {

inline HostTensor random_tensor(std::mt19937& random, std::vector<int64_t> shape, float scale) {
  HostTensor t = make_tensor(DType::kF32, std::move(shape));
  std::normal_distribution<float> normal(0.0f, scale);
  for (int64_t i = 0; i < t.count(); ++i) t.as<float>()[i] = normal(random);
  return t;
}

inline HostTensor scalar(float value) {
  HostTensor t = make_tensor(DType::kF32, {});
  *t.as<float>() = value;
  return t;
}

inline std::vector<float> max_pool(const std::vector<float>& x, const PlainLayer& l) {
  const int oh = l.h / l.size, ow = l.w / l.size;
  std::vector<float> y(static_cast<size_t>(l.outputs));
  for (int i = 0; i < oh; ++i)
    for (int j = 0; j < ow; ++j)
      for (int c = 0; c < l.c; ++c) {
        float most = -INFINITY;
        for (int a = 0; a < l.size; ++a)
          for (int b = 0; b < l.size; ++b)
            most =
                std::max(most, x[static_cast<size_t>(((i * l.size + a) * l.w + j * l.size + b) * l.c + c)]);
        y[static_cast<size_t>((i * ow + j) * l.c + c)] = most;
      }
  return y;
}

inline std::vector<float> flatten(const std::vector<float>& x, const PlainLayer& l) {
  std::vector<float> y;
  for (int c = 0; c < l.c; ++c)
    for (int p = 0; p < l.h * l.w; ++p) y.push_back(x[static_cast<size_t>(p * l.c + c)]);
  return y;
}

inline std::vector<float> apply(std::vector<float> x, const PlainLayer& l) {
  switch (l.type) {
    case LayerType::kReLU:
      for (float& v : x) v = v > 0.0f ? v : 0.0f;
      return x;
    case LayerType::kMaxPool:
      return max_pool(x, l);
    default:
      return flatten(x, l);
  }
}

inline float read_back(const DeviceArray<float>& value) {
  float host = 0.0f;
  value.download(&host);
  return host;
}

/// A quantised layer on every image of `images`.
inline void quantised(const QuantisedNetwork& network, int l, const DesignPoint& point,
                      std::vector<std::vector<float>>& images) {
  const QuantisedLayer& layer = network.layers()[static_cast<size_t>(l)];
  const float alpha = read_back(layer.act_alpha);
  std::vector<uint8_t> q;
  for (const auto& x : images)
    for (const float v : x) q.push_back(static_cast<uint8_t>(activation_code(v, alpha, layer.act_scale)));
  const auto spec = make_layer_spec(network, l, point.layers[static_cast<size_t>(l)]);
  const auto outputs = static_cast<size_t>(layer.shape.outputs());
  std::vector<double> s(outputs * images.size());
  const SramOutput output{.s = s.data()};
  plan_sram_conv(spec, layer.codes.data(), "reference")
      ->run(q.data(), static_cast<int>(images.size()), {&output, 1});
  std::vector<float> bias(static_cast<size_t>(layer.shape.o), 0.0f);
  if (!layer.bias.empty()) layer.bias.download(bias.data());
  for (size_t n = 0; n < images.size(); ++n) {
    images[n].resize(outputs);
    for (size_t i = 0; i < outputs; ++i)
      images[n][i] =
          layer_output(s[n * outputs + i], layer.act_scale, layer.weight_scale, bias[i % bias.size()], false);
  }
}

}  // namespace toy

/// 12x12 images -> conv 1->10 3x3, ReLU, conv 10->12 3x3, ReLU, 2x2 max pool, flatten, fc 16, ReLU, dropout,
/// fc `classes`; random weights, biases on the linear layers.
inline Checkpoint toy_checkpoint(uint32_t seed = 1, int classes = 5) {
  std::mt19937 random(seed);
  using enum LayerType;
  Checkpoint made;
  made.network = {.name = "toy",
                  .c = 1,
                  .h = 12,
                  .w = 12,
                  .classes = classes,
                  .weight_bits = 4,
                  .act_bits = 4,
                  .layers = {{.type = kQConv, .name = "conv1", .out = 10, .kernel = 3},
                             {.type = kReLU},
                             {.type = kQConv, .name = "conv2", .out = 12, .kernel = 3},
                             {.type = kReLU},
                             {.type = kMaxPool, .kernel = 2},
                             {.type = kFlatten},
                             {.type = kQLinear, .name = "fc1", .out = 16, .bias = true},
                             {.type = kReLU},
                             {.type = kDropout, .p = 0.5},
                             {.type = kQLinear, .name = "fc2", .out = classes, .bias = true}}};
  auto& t = made.file.tensors;
  t["conv1.weight"] = toy::random_tensor(random, {10, 1, 3, 3}, 0.5f);
  t["conv2.weight"] = toy::random_tensor(random, {12, 10, 3, 3}, 0.2f);
  t["fc1.weight"] = toy::random_tensor(random, {16, 12 * 4 * 4}, 0.1f);
  t["fc1.bias"] = toy::random_tensor(random, {16}, 0.1f);
  t["fc2.weight"] = toy::random_tensor(random, {classes, 16}, 0.3f);
  t["fc2.bias"] = toy::random_tensor(random, {classes}, 0.1f);
  t["conv1.act_quant.act_alpha"] = toy::scalar(1.0f);
  t["conv2.act_quant.act_alpha"] = toy::scalar(2.0f);
  t["fc1.act_quant.act_alpha"] = toy::scalar(2.5f);
  t["fc2.act_quant.act_alpha"] = toy::scalar(3.0f);
  return made;
}

/// Random images, about half of their pixels dark.
inline Dataset toy_dataset(int count, uint32_t seed = 2, int classes = 5) {
  std::mt19937 random(seed);
  Dataset made{.count = count, .h = 12, .w = 12, .classes = classes, .images = {}, .labels = {}};
  for (int i = 0; i < count * 12 * 12; ++i)
    made.images.push_back(random() % 2 ? static_cast<uint8_t>(random() % 256) : uint8_t{0});
  for (int i = 0; i < count; ++i)
    made.labels.push_back(static_cast<uint8_t>(random() % static_cast<unsigned>(classes)));
  return made;
}

/// Logits [count,classes], one layer after another through the reference kernel: no trie, no
/// sharing, no fusing.
inline std::vector<float> plain_logits(const QuantisedNetwork& network, const Dataset& dataset,
                                       const DesignPoint& point, int count) {
  std::vector<std::vector<float>> images(static_cast<size_t>(count));
  const size_t pixels = static_cast<size_t>(dataset.h) * static_cast<size_t>(dataset.w);
  for (size_t n = 0; n < images.size(); ++n)
    for (size_t p = 0; p < pixels; ++p)
      images[n].push_back(static_cast<float>(dataset.images[n * pixels + p]) / 255.0f);
  for (int l = -1; l < static_cast<int>(network.layers().size()); ++l) {
    if (l >= 0) toy::quantised(network, l, point, images);
    for (const PlainLayer& plain : network.plain_after(l))
      for (auto& x : images) x = toy::apply(std::move(x), plain);
  }
  std::vector<float> all;
  for (const auto& x : images) all.insert(all.end(), x.begin(), x.end());
  return all;
}

}  // namespace sramsim::test
