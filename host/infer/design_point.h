// A design point: how every quantised layer of a network is computed.
#pragma once

#include <optional>
#include <vector>

#include "host/infer/quantised_network.h"
#include "host/layer/array_settings.h"

namespace sramsim {

/// One entry per quantised layer, in network order: its subarrays, or nothing for exact digital arithmetic.
struct DesignPoint {
  std::vector<std::optional<ArraySettings>> layers;
};

/// Every layer digital: the network as trained.
DesignPoint ideal_point(const QuantisedNetwork& network);

/// Convolutions on subarrays with these settings; linear layers too if `map_linear`, else digital.
DesignPoint uniform_point(const QuantisedNetwork& network, const ArraySettings& settings, bool map_linear);

/// The kernel's problem for layer `layer` of a point, with one ADC table. A digital layer is one row group of
/// all rows with an ideal converter, which is an integer convolution. InputError naming the layer for
/// settings that do not fit it.
SramConvSpec make_layer_spec(const QuantisedNetwork& network, int layer,
                             const std::optional<ArraySettings>& settings);

}  // namespace sramsim
