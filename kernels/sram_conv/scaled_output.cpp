#include "kernels/sram_conv/scaled_output.h"

namespace sramsim {

ScaledOutput scaled_output(const SramOutput& output) {
  return {output, output_scale(output.act_scale, output.weight_scale)};
}

std::vector<ScaledOutput> scaled_outputs(std::span<const SramOutput> outputs) {
  std::vector<ScaledOutput> scaled;
  for (const SramOutput& output : outputs) scaled.push_back(scaled_output(output));
  return scaled;
}

}  // namespace sramsim
