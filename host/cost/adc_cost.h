// What one conversion costs, after published models that differ by more than an order of magnitude: which one
// was used belongs to every figure.
#pragma once

#include <span>
#include <string>

#include "host/cost/cost_table.h"

namespace sramsim {

struct AdcCost {
  double energy = 0.0;  ///< J per conversion
  double area = 0.0;    ///< m^2 of one converter
  double time = 0.0;    ///< s per conversion
};

struct AdcCostModel {
  const char* name;
  const char* summary;  ///< one line for --help
  /// Of a converter of `bits` >= 1 on a subarray of `rows` rows; `time` is given, it fixes the rate.
  double (*energy)(const CostTable& table, int bits, double time);
  double (*area)(const CostTable& table, int bits, double time);
};

std::span<const AdcCostModel> adc_cost_models();                   ///< "murmann", "envelope", "survey"
const AdcCostModel& find_adc_cost_model(const std::string& name);  ///< InputError for an unknown name

/// A successive-approximation conversion takes bits * (time_per_bit + rows * time_per_bit_row).
AdcCost adc_cost(const AdcCostModel& model, const CostTable& table, int bits, int rows);

}  // namespace sramsim
