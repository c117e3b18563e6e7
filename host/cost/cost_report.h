// A cost report as columns of a sweep, as JSON and as tables for people. Units stand in the names.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "host/cost/cost.h"

namespace sramsim {

/// One figure of a design point: a column of a sweep.
struct CostColumn {
  const char* name;  ///< "energy_nj"
  const char* meaning;
  bool whole;  ///< a whole number
  double (*value)(const CostReport& report);
};
/// subarrays, utilisation, adc_conversions, array_activations, bit_cycles, energy_nj, adc_energy_nj,
/// latency_us, area_mm2; all per image where they count events.
std::span<const CostColumn> cost_columns();
std::string format_cost(const CostColumn& column, const CostReport& report);

/// Everything: mapping and events per layer, energy in nJ, latency in us and area in mm2 by part, totals,
/// the ADC model and every entry of the table with its source.
nlohmann::json to_json(const CostReport& report, const CostTable& table);

/// Two tables, mapping and cost, with totals, and what the figures assume.
std::string to_text(const CostReport& report);

}  // namespace sramsim
