#include "kernels/sram_conv/sum_step.h"

namespace sramsim {

SumStep sum_step(const SramConvSpec& spec, size_t adc) {
  const AdcTable& table = spec.adcs[adc];
  const TwoFloats factor = two_floats(table.step);
  return {table.step, factor, gives_sums(factor, table.step, static_cast<int64_t>(sum_bound(spec, table)))};
}

}  // namespace sramsim
