// ADC models: settings -> a table over every partial sum. One file per model; the registry feeds --help,
// sweeps, tests.
#pragma once

#include <span>
#include <string>

#include "kernels/core/adc_table.h"

namespace sramsim {

/// Full scale F of a layer's converters.
struct AdcRange {
  enum class Kind { kOccupied, kArray, kNumber } kind = Kind::kOccupied;
  double number = 0.0;  ///< kNumber: F in partial-sum units, > 0
  friend bool operator==(const AdcRange&, const AdcRange&) = default;
};
AdcRange parse_adc_range(const std::string& text);  ///< "occupied", "array" or a number; InputError
std::string to_string(const AdcRange& range);

struct AdcSettings {
  std::string mode = "uniform";  ///< a name in adc_models()
  int bits = 5;                  ///< 0 = ideal, else 1..16
  AdcRange range;
  friend bool operator==(const AdcSettings&, const AdcSettings&) = default;
};

/// What the table must cover: partial sums of one layer.
struct AdcContext {
  int largest_group = 0;  ///< rows of the layer's largest row group
  int subarray_rows = 0;  ///< R
  int dac_bits = 1;
};

struct AdcModel {
  const char* name;
  const char* summary;  ///< one line for --help
  AdcTable (*make)(const AdcSettings& settings, double full_scale, uint32_t p_max);
};
std::span<const AdcModel> adc_models();

/// bits == 0 gives the ideal converter whatever the mode. InputError for an unknown mode, bits or a bad
/// range.
AdcTable make_adc_table(const AdcSettings& settings, const AdcContext& context);

}  // namespace sramsim
