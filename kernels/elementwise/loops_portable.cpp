// The elementwise loops for every machine of the architecture.
#include "kernels/elementwise/loops_impl.h"
#include "kernels/elementwise/targets.h"

namespace sramsim {
const ElementwiseLoops* elementwise_portable() {
  static constexpr ElementwiseLoops table = make_table("portable");
  return &table;
}
}  // namespace sramsim
