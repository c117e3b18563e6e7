// Outputs as kernels want them: what is found out once a run.
#pragma once

#include <span>
#include <vector>

#include "kernels/core/output_scale.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim {

struct ScaledOutput {
  SramOutput to;
  OutputScale scale;
};

ScaledOutput scaled_output(const SramOutput& output);
std::vector<ScaledOutput> scaled_outputs(std::span<const SramOutput> outputs);

}  // namespace sramsim
