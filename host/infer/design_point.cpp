#include "host/infer/design_point.h"

#include <fmt/format.h>

#include "kernels/core/error.h"

namespace sramsim {
namespace {

ArraySettings digital_settings(const ConvShape& shape) {
  ArraySettings settings;
  settings.subarray = shape.rows();
  settings.mapping = "unrolled";
  settings.adc.bits = 0;
  return settings;
}

}  // namespace

DesignPoint ideal_point(const QuantisedNetwork& network) {
  return {std::vector<std::optional<ArraySettings>>(network.layers().size())};
}

DesignPoint uniform_point(const QuantisedNetwork& network, const ArraySettings& settings, bool map_linear) {
  DesignPoint point = ideal_point(network);
  for (size_t l = 0; l < point.layers.size(); ++l)
    if (map_linear || network.layers()[l].type == LayerType::kQConv) point.layers[l] = settings;
  return point;
}

SramConvSpec make_layer_spec(const QuantisedNetwork& network, int layer,
                             const std::optional<ArraySettings>& settings) {
  const QuantisedLayer& l = network.layers()[layer];
  try {
    return make_sram_spec(l.shape, network.act_bits(), network.weight_bits(),
                          settings ? *settings : digital_settings(l.shape));
  } catch (const InputError& e) {
    throw InputError(fmt::format("layer {}: {}", l.name, e.what()));
  }
}

}  // namespace sramsim
