// Energy, latency and area of a network at one design point: counts times a cost table.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/cost/cost_table.h"
#include "host/cost/layer_counts.h"
#include "host/layer/array_settings.h"
#include "host/model/network.h"

namespace sramsim {

struct CostOptions {
  ArrayGeometry geometry;
  std::string adc_model;  ///< a name in adc_cost_models(); empty takes the table's
  /// Share of set bits among the input bits: one number for all quantised layers, one per layer
  /// (as measured by an inference), or none: every bit counts as set, an upper bound.
  std::vector<double> bit_density;
};

/// Joule per image.
struct EnergyParts {
  double adc = 0.0, bitlines = 0.0, wordlines = 0.0, dacs = 0.0, shift_add = 0.0, buffers = 0.0,
         digital = 0.0;
  double total() const { return adc + bitlines + wordlines + dacs + shift_add + buffers + digital; }
  EnergyParts& operator+=(const EnergyParts& other);
};

/// Square metres.
struct AreaParts {
  double arrays = 0.0, adcs = 0.0, shift_add = 0.0, buffers = 0.0, digital = 0.0;
  double total() const { return arrays + adcs + shift_add + buffers + digital; }
  AreaParts& operator+=(const AreaParts& other);
};

struct LayerCost {
  LayerCounts counts;
  double bit_density = 1.0;
  EnergyParts energy;    ///< J per image
  double latency = 0.0;  ///< s per image
  AreaParts area;        ///< m^2
};

/// Of a whole network. Layers work one after the other on an image, so latencies add up; with an image in
/// every layer at once (pipelined) the slowest layer sets the rate.
struct CostReport {
  std::string network, table, adc_model;
  ArrayGeometry geometry;
  bool bit_density_given = false;
  std::vector<LayerCost> layers;
  AreaParts shared_area;  ///< the digital lanes, once for all digital layers

  int64_t subarrays = 0, adc_conversions = 0, array_activations = 0, bit_cycles = 0, shift_adds = 0;
  double utilisation = 0.0;    ///< share of the cells of all subarrays that hold a weight bit
  EnergyParts energy;          ///< J per image
  double latency = 0.0;        ///< s per image
  double slowest_layer = 0.0;  ///< s: 1 / it is the rate of a pipeline
  AreaParts area;              ///< m^2
};

/// `settings`: one entry per quantised layer of `network`, in order; nothing = digital (as a DesignPoint).
/// InputError for settings that do not fit (naming the layer), an unknown ADC model, a geometry below 1 or
/// densities that are no shares or of another number than layers.
CostReport cost_of(const NetworkSpec& network, std::span<const std::optional<ArraySettings>> settings,
                   const CostTable& table, const CostOptions& options = {});

/// Convolutions with these settings; linear layers too if `map_linear`, else digital.
std::vector<std::optional<ArraySettings>> uniform_settings(const NetworkSpec& network,
                                                           const ArraySettings& settings, bool map_linear);

}  // namespace sramsim
