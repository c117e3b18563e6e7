// The settings of subarrays, each once: flags of the command line, axes of a sweep and columns of its rows
// are made from this list. A new setting is one row here.
#pragma once

#include <span>
#include <string>

#include "host/layer/array_settings.h"

namespace sramsim {

struct ArrayAxis {
  const char* name;       ///< "adc-bits": the flag without dashes, and the column with underscores
  const char* value;      ///< how --help names its value: "BITS"
  std::string (*help)();  ///< one line with units and choices
  bool numeric;           ///< always a number: unquoted in JSON
  void (*parse)(ArraySettings& settings, const std::string& text);  ///< InputError naming the option
  std::string (*text)(const ArraySettings& settings);               ///< what parse() reads back
};

std::span<const ArrayAxis> array_axes();

/// "64 rows, shape-wise mapping, twos-complement weights, ..." for reports.
std::string describe(const ArraySettings& settings);

}  // namespace sramsim
