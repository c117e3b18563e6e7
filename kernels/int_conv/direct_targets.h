// One table per instruction set; null where the set was not compiled in.
#pragma once

#include "kernels/int_conv/direct.h"

namespace sramsim {

const DirectConvLoops* direct_conv_avx512();
const DirectConvLoops* direct_conv_avx2();
const DirectConvLoops* direct_conv_portable();

}  // namespace sramsim
