// The settings of subarrays as options, from the one list in host/sweep/array_axes.h.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "host/layer/array_settings.h"

namespace sramsim {

/// One text per array_axes(), as given. Must outlive parsing.
struct ArrayOptions {
  std::vector<std::string> texts;

  ArraySettings settings() const;  ///< InputError naming the option
};

/// --subarray, --mapping, ... with the defaults of ArraySettings. `lists`: each takes a comma list.
void add_array_options(CLI::App& command, ArrayOptions& options, bool lists = false);

/// --kernel: force a variant of the SRAM convolution.
void add_kernel_option(CLI::App& command, std::string& kernel);

}  // namespace sramsim
