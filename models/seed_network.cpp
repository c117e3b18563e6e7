#include "models/seed_network.h"

namespace sramsim {

NetworkSpec seed_network(int weight_bits, int act_bits) {
  using enum LayerType;
  return {
      .name = "seed",
      .c = 1,
      .h = 28,
      .w = 28,
      .classes = 10,
      .weight_bits = weight_bits,
      .act_bits = act_bits,
      .layers =
          {
              {.type = kQConv, .name = "conv1", .out = 128, .kernel = 3},  // 28x28x1 -> 26x26x128
              {.type = kReLU},
              {.type = kQConv, .name = "conv2", .out = 128, .kernel = 3},  // -> 24x24x128
              {.type = kReLU},
              {.type = kAvgPool, .kernel = 4},  // -> 6x6x128
              {.type = kFlatten},               // -> 4608
              {.type = kQLinear, .name = "fc1", .out = 128, .bias = true},
              {.type = kReLU},
              {.type = kDropout, .p = 0.5},
              {.type = kQLinear, .name = "fc2", .out = 10, .bias = true},
          },
  };
}

}  // namespace sramsim
