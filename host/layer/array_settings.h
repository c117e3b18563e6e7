// How one layer is put on subarrays: the design point of a layer. The unit of sweeps.
#pragma once

#include <string>

#include "host/adc/adc.h"
#include "host/mapping/mapping.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim {

struct ArraySettings {
  int subarray = 128;  ///< R, rows of one subarray
  std::string mapping = "shape-wise";
  Encoding encoding = Encoding::kTwosComplement;
  int dac_bits = 1;
  AdcSettings adc;
  friend bool operator==(const ArraySettings&, const ArraySettings&) = default;
};

/// The kernel's problem for one layer at one design point (one ADC table). InputError for settings that do
/// not fit.
SramConvSpec make_sram_spec(const ConvShape& shape, int act_bits, int weight_bits,
                            const ArraySettings& settings);

}  // namespace sramsim
