// A network that trains in seconds, and a slice of the bundled MNIST.
#pragma once

#include <algorithm>

#include "datasets/idx.h"
#include "host/model/network.h"
#include "tests/source_dir.h"

namespace sramsim::test {

/// 28x28 -> conv 8 3x3, ReLU, max pool 2, conv 16 3x3, ReLU, average pool 3, flatten, fc 32, ReLU, dropout,
/// fc 10.
inline NetworkSpec small_network() {
  using enum LayerType;
  return {.name = "small",
          .c = 1,
          .h = 28,
          .w = 28,
          .classes = 10,
          .weight_bits = 4,
          .act_bits = 4,
          .layers = {{.type = kQConv, .name = "conv1", .out = 8, .kernel = 3},
                     {.type = kReLU},
                     {.type = kMaxPool, .kernel = 2},  // 13x13
                     {.type = kQConv, .name = "conv2", .out = 16, .kernel = 3},
                     {.type = kReLU},
                     {.type = kAvgPool, .kernel = 3},  // 11x11 -> 3x3, two rows and columns left over
                     {.type = kFlatten},
                     {.type = kQLinear, .name = "fc1", .out = 32, .bias = true},
                     {.type = kReLU},
                     {.type = kDropout, .p = 0.25},
                     {.type = kQLinear, .name = "fc2", .out = 10, .bias = true}}};
}

inline Dataset slice(const Dataset& all, int first, int count) {
  const auto pixels = static_cast<size_t>(all.h) * static_cast<size_t>(all.w);
  Dataset part{.count = count, .h = all.h, .w = all.w, .classes = all.classes, .images = {}, .labels = {}};
  const auto at = static_cast<size_t>(first), n = static_cast<size_t>(count);
  part.images.assign(all.images.begin() + static_cast<int64_t>(at * pixels),
                     all.images.begin() + static_cast<int64_t>((at + n) * pixels));
  part.labels.assign(all.labels.begin() + first, all.labels.begin() + first + count);
  return part;
}

/// Training and test images of the bundled MNIST, read once.
inline const Dataset& mnist(Split split) {
  static const Dataset train = load_idx(source_dir() + "/datasets/mnist", Split::kTrain);
  static const Dataset test = load_idx(source_dir() + "/datasets/mnist", Split::kTest);
  return split == Split::kTrain ? train : test;
}

}  // namespace sramsim::test
