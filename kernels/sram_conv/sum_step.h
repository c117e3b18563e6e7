// From the integer shift-add of a converter's codes to S.
#pragma once

#include <cstddef>

#include "kernels/core/two_floats.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim {

struct SumStep {
  double step = 1.0;  ///< D
  TwoFloats factor;
  bool exact = false;  ///< times the factor, every sum of the layer is the float nearest to S (no offset)
};

/// Of converter number `adc`.
SumStep sum_step(const SramConvSpec& spec, size_t adc);

}  // namespace sramsim
