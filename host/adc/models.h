// The converter models, one file each; adc.cpp lists them.
#pragma once

#include "host/adc/adc.h"

namespace sramsim {

AdcModel uniform_adc();
AdcModel saturating_adc();

}  // namespace sramsim
