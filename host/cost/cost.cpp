#include "host/cost/cost.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/cost/adc_cost.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

double real(int64_t count) {
  return static_cast<double>(count);
}

/// Prices the counts of one layer.
class Pricer {
 public:
  Pricer(const CostTable& table, const AdcCostModel& model, const ArrayGeometry& geometry)
      : t_(table), model_(model), geometry_(geometry) {}

  void price_arrays(LayerCost& cost, const SramConvSpec& spec) const {
    const LayerCounts& c = cost.counts;
    const AdcCost adc = adc_cost(model_, t_, c.adc_bits, c.subarray_rows);
    price_array_energy(cost, spec, adc);
    cost.latency = real(c.bit_cycles) * (t_.settle_time.si + real(c.conversions_in_turn) * adc.time);

    const double cells = real(c.subarrays) * c.subarray_rows * geometry_.columns;
    cost.area.arrays = cells * (t_.cell_area.si + t_.compute_area.si) +
                       real(c.subarrays) * c.subarray_rows * spec.dac_bits * t_.row_area.si;
    cost.area.adcs = real(c.adcs) * adc.area;
    cost.area.shift_add = real(c.adcs) * c.accumulator_bits * (t_.adder_area.si + t_.register_area.si);
    price_buffers(cost);
  }

  void price_digital(LayerCost& cost, int act_bits, int weight_bits) const {
    const LayerCounts& c = cost.counts;
    const double multiply = t_.energy(t_.multiply_energy) * act_bits * weight_bits / 64.0;
    cost.energy.digital = real(c.macs) * (multiply + t_.energy(t_.add_energy)) +
                          real(c.weight_bits) * t_.energy(t_.weight_energy);
    cost.latency = real(c.macs) / (t_.lanes.si * t_.clock.si);
    cost.area.digital = real(c.weight_bits) * t_.buffer_area.si;
    price_buffers(cost);
  }

 private:
  void price_array_energy(LayerCost& cost, const SramConvSpec& spec, const AdcCost& adc) const {
    const LayerCounts& c = cost.counts;
    EnergyParts& e = cost.energy;
    e.adc = real(c.adc_conversions) * adc.energy;
    e.bitlines = real(c.adc_conversions) * c.subarray_rows * t_.energy(t_.bitline);
    // A wordline runs through every column of its subarray, used or not.
    e.wordlines = cost.bit_density * real(c.input_bits) * real(c.column_tiles) * geometry_.columns *
                  t_.energy(t_.wordline);
    if (spec.dac_bits > 1)
      e.dacs =
          real(c.bit_cycles) * real(c.rows_used) * real(c.column_tiles) * spec.dac_bits * t_.energy(t_.dac);
    e.shift_add = real(c.shift_adds + c.offset_adds) * c.accumulator_bits *
                  (t_.energy(t_.adder_energy) + t_.energy(t_.register_energy));
  }

  /// Every input bit is read once per window that it is in, every output is written once.
  void price_buffers(LayerCost& cost) const {
    cost.energy.buffers =
        real(cost.counts.input_bits + cost.counts.output_bits) * t_.energy(t_.buffer_energy);
    cost.area.buffers = real(cost.counts.stored_bits) * t_.buffer_area.si;
  }

  const CostTable& t_;
  const AdcCostModel& model_;
  const ArrayGeometry& geometry_;
};

struct Placed {
  std::string name;
  ConvShape shape;
};

std::vector<Placed> quantised_layers(const NetworkSpec& network) {
  const auto placed = network.place();
  std::vector<Placed> layers;
  for (size_t i = 0; i < placed.size(); ++i)
    if (network.layers[i].quantised()) layers.push_back({network.layers[i].name, placed[i].conv});
  return layers;
}

void check(const CostOptions& options, size_t settings, size_t layers) {
  if (options.geometry.columns < 1 || options.geometry.columns_per_adc < 1)
    throw InputError("a subarray needs at least 1 column, and a converter at least 1 column to serve");
  if (settings != layers)
    throw InputError(fmt::format("settings for {} layers given, the network has {}", settings, layers));
  const size_t densities = options.bit_density.size();
  if (densities > 1 && densities != layers)
    throw InputError(fmt::format("{} bit densities given, the network has {} layers", densities, layers));
  for (const double density : options.bit_density)
    if (!(density >= 0.0 && density <= 1.0))
      throw InputError(fmt::format("bit density {}: must be 0..1", density));
}

double density_of(const CostOptions& options, size_t layer) {
  if (options.bit_density.empty()) return 1.0;
  return options.bit_density[options.bit_density.size() == 1 ? 0 : layer];
}

/// A layer with the kernel's problem of its subarrays, or none if it is digital.
struct MappedLayer {
  Placed layer;
  std::optional<SramConvSpec> spec;
  int adc_bits = 0;  ///< 0 = ideal
};

std::vector<MappedLayer> map_layers(const NetworkSpec& network, const std::vector<Placed>& layers,
                                    std::span<const std::optional<ArraySettings>> settings) {
  std::vector<MappedLayer> mapped;
  for (size_t l = 0; l < layers.size(); ++l) {
    mapped.push_back({layers[l], std::nullopt, 0});
    if (!settings[l]) continue;
    try {
      mapped.back().spec =
          make_sram_spec(layers[l].shape, network.act_bits, network.weight_bits, *settings[l]);
    } catch (const InputError& e) {
      throw InputError(fmt::format("layer {}: {}", layers[l].name, e.what()));
    }
    mapped.back().adc_bits = settings[l]->adc.bits;
  }
  return mapped;
}

/// All subarrays are alike, so an ideal converter is paid as the one that the fullest subarray needs.
int ideal_bits(const std::vector<MappedLayer>& layers) {
  int bits = 1;
  for (const MappedLayer& m : layers)
    if (m.spec && m.adc_bits == 0) bits = std::max(bits, lossless_bits(*m.spec));
  return bits;
}

LayerCost cost_layer(const MappedLayer& m, const NetworkSpec& network, int ideal, const Pricer& pricer,
                     const ArrayGeometry& geometry, double density) {
  LayerCost cost;
  cost.bit_density = density;
  if (!m.spec) {
    cost.counts = count_digital_layer(m.layer.name, m.layer.shape, network.act_bits, network.weight_bits);
    pricer.price_digital(cost, network.act_bits, network.weight_bits);
    return cost;
  }
  cost.counts = count_layer(m.layer.name, *m.spec, m.adc_bits == 0 ? ideal : m.adc_bits, geometry);
  cost.counts.adc_ideal = m.adc_bits == 0;
  pricer.price_arrays(cost, *m.spec);
  return cost;
}

void add_up(CostReport& report) {
  double used = 0.0, cells = 0.0;
  for (const LayerCost& layer : report.layers) {
    const LayerCounts& c = layer.counts;
    report.subarrays += c.subarrays;
    report.adc_conversions += c.adc_conversions;
    report.array_activations += c.array_activations;
    report.bit_cycles += c.bit_cycles;
    report.shift_adds += c.shift_adds;
    used += real(c.rows_used) * real(c.columns_used);
    cells += real(c.subarrays) * c.subarray_rows * report.geometry.columns;
    report.energy += layer.energy;
    report.area += layer.area;
    report.latency += layer.latency;
    report.slowest_layer = std::max(report.slowest_layer, layer.latency);
  }
  report.area += report.shared_area;
  report.utilisation = cells > 0 ? used / cells : 0.0;
}

}  // namespace

EnergyParts& EnergyParts::operator+=(const EnergyParts& o) {
  adc += o.adc;
  bitlines += o.bitlines;
  wordlines += o.wordlines;
  dacs += o.dacs;
  shift_add += o.shift_add;
  buffers += o.buffers;
  digital += o.digital;
  return *this;
}

AreaParts& AreaParts::operator+=(const AreaParts& o) {
  arrays += o.arrays;
  adcs += o.adcs;
  shift_add += o.shift_add;
  buffers += o.buffers;
  digital += o.digital;
  return *this;
}

CostReport cost_of(const NetworkSpec& network, std::span<const std::optional<ArraySettings>> settings,
                   const CostTable& table, const CostOptions& options) {
  const auto layers = quantised_layers(network);
  check(options, settings.size(), layers.size());
  const AdcCostModel& model =
      find_adc_cost_model(options.adc_model.empty() ? table.adc_model : options.adc_model);
  const Pricer pricer(table, model, options.geometry);

  CostReport report;
  report.network = network.name;
  report.table = table.name;
  report.adc_model = model.name;
  report.geometry = options.geometry;
  report.bit_density_given = !options.bit_density.empty();
  const auto mapped = map_layers(network, layers, settings);
  const int ideal = ideal_bits(mapped);
  bool digital = false;
  for (size_t l = 0; l < mapped.size(); ++l) {
    report.layers.push_back(
        cost_layer(mapped[l], network, ideal, pricer, options.geometry, density_of(options, l)));
    digital = digital || !mapped[l].spec;
  }
  if (digital) report.shared_area.digital = table.lanes.si * table.lane_area.si;
  add_up(report);
  return report;
}

std::vector<std::optional<ArraySettings>> uniform_settings(const NetworkSpec& network,
                                                           const ArraySettings& settings, bool map_linear) {
  std::vector<std::optional<ArraySettings>> all;
  for (const LayerSpec& layer : network.layers)
    if (layer.quantised())
      all.push_back(map_linear || layer.type == LayerType::kQConv ? std::optional(settings) : std::nullopt);
  return all;
}

}  // namespace sramsim
