// One table per instruction set; null where the set was not compiled in.
#pragma once

#include "kernels/elementwise/loops.h"

namespace sramsim {

const ElementwiseLoops* elementwise_avx512();
const ElementwiseLoops* elementwise_avx2();
const ElementwiseLoops* elementwise_portable();

}  // namespace sramsim
