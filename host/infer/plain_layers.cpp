#include "host/infer/plain_layers.h"

#include <algorithm>

#include "kernels/core/error.h"
#include "kernels/cuda/profile_range.h"

namespace sramsim {

int64_t largest_output(const std::vector<PlainLayer>& layers) {
  int64_t most = 0;
  for (const PlainLayer& layer : layers) most = std::max(most, layer.outputs);
  return most;
}

float* apply_plain(Backend& backend, const std::vector<PlainLayer>& layers, size_t first, int n, float* x,
                   float* const scratch[2]) {
  for (size_t i = first; i < layers.size(); ++i) {
    const PlainLayer& layer = layers[i];
    const ProfileRange range(type_name(layer.type));
    float* to = x == scratch[0] ? scratch[1] : scratch[0];
    switch (layer.type) {
      case LayerType::kReLU:
        backend.relu_forward(x, static_cast<size_t>(n * layer.outputs), x);
        continue;
      case LayerType::kAvgPool:
        backend.avg_pool_forward(x, n, layer.h, layer.w, layer.c, layer.size, to);
        break;
      case LayerType::kMaxPool:
        backend.max_pool_forward(x, n, layer.h, layer.w, layer.c, layer.size, to);
        break;
      case LayerType::kFlatten:
        backend.flatten_forward(x, n, layer.h, layer.w, layer.c, to);
        break;
      default:
        throw RunError("a layer with parameters is no plain layer");
    }
    x = to;
  }
  return x;
}

}  // namespace sramsim
