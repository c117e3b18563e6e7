// One table per instruction set; null where the set was not compiled in.
#pragma once

#include "kernels/int_conv/nonzero.h"

namespace sramsim {

const NonzeroConvLoops* nonzero_conv_avx512();
const NonzeroConvLoops* nonzero_conv_avx2();
const NonzeroConvLoops* nonzero_conv_portable();

}  // namespace sramsim
