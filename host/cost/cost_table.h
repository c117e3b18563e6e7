// What hardware costs: a table of named quantities, each with its unit and its source.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "host/cost/units.h"

namespace sramsim {

/// One entry as it was written, and in SI.
struct Quantity {
  double value = 0.0;  ///< in `unit`
  std::string unit;
  std::string source;  ///< a publication with the place in it, or "assumption: ..."
  Dimension dimension = Dimension::kNumber;
  double si = 0.0;  ///< in J, F, s, m^2, V, Hz, m
};

/// The names in the comments are those in the TOML file.
struct CostTable {
  std::string name;                   ///< what the table describes, for reports
  std::string adc_model = "murmann";  ///< which of adc_cost_models() is used unless the user names another

  Quantity supply, node;  // process.supply, process.node
  // [array]: one subarray without its converters
  Quantity cell_area, compute_area, row_area, bitline, wordline, settle_time;
  Quantity dac;  // dac.per_bit
  // [adc]: what all converters share, then the parameters of each model
  Quantity adc_time_per_bit, adc_time_per_bit_row, adc_area_zero_bits, adc_area_growth;
  Quantity murmann_linear, murmann_thermal;
  Quantity envelope_walden, envelope_walden_corner, envelope_schreier, envelope_schreier_corner;
  Quantity survey_speed_intercept, survey_speed_slope, survey_limit_intercept, survey_limit_slope;
  Quantity survey_energy_intercept, survey_energy_node, survey_energy_bits, survey_energy_best,
      survey_fewest_bits;
  Quantity survey_area_intercept, survey_area_node, survey_area_rate, survey_area_energy;
  // [logic]: shift-and-add, per bit of the accumulator
  Quantity adder_energy, register_energy, adder_area, register_area;
  Quantity buffer_energy, buffer_area;  // [buffer]: activations, per bit
  // [digital]: layers that are not on subarrays
  Quantity multiply_energy, add_energy, weight_energy, lanes, lane_area, clock;

  /// Joule of an entry that is an energy or a capacitance.
  double energy(const Quantity& q) const {
    return q.dimension == Dimension::kCapacitance ? q.si * supply.si * supply.si : q.si;
  }
};

/// The description of one entry: readers, writers, reports and tests go through this list.
struct CostEntry {
  const char* name;      ///< "array.cell_area": the key in the TOML file
  Dimension dimension;   ///< an energy may be given as a capacitance too
  bool may_be_negative;  ///< coefficients of a fit
  const char* meaning;
  Quantity CostTable::*member;
};
std::span<const CostEntry> cost_entries();

/// The table that is built in, as the TOML text that a user starts his own from.
std::string_view default_cost_table_text();
const CostTable& default_cost_table();

/// Entries that the file leaves out keep their built-in value. InputError "FILE: ENTRY: what is wrong" for a
/// file that cannot be read or is no TOML, an unknown entry, a missing or unknown unit, a unit of another
/// kind, a missing source, a value that is no number, not finite or negative.
CostTable load_cost_table(const std::filesystem::path& path);
/// The same from text; `origin` stands for the file in messages.
CostTable parse_cost_table(std::string_view text, const std::string& origin);

}  // namespace sramsim
