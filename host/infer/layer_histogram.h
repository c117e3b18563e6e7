// How often each partial sum of a layer occurred, with the converter that met it: what a plot needs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/core/adc_table.h"

namespace sramsim {

struct LayerHistogram {
  std::string layer;
  std::vector<uint64_t> counts;  ///< counts[P]: conversions of partial sum P = 0..p_max
  AdcTable adc;
};

/// CSV with a header line: layer,partial_sum,count,code,step,full_scale. One line per partial sum that a
/// layer could form, those that never occurred included; `step` D and `full_scale` F = D * largest code, both
/// in partial-sum units, are the same on all lines of a layer.
std::string to_csv(std::span<const LayerHistogram> layers);

}  // namespace sramsim
