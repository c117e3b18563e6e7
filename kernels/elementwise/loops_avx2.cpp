// The elementwise loops for x86-64 with AVX2.
#include "kernels/elementwise/targets.h"
#ifdef __AVX2__
#include "kernels/elementwise/loops_impl.h"

namespace sramsim {
const ElementwiseLoops* elementwise_avx2() {
  static constexpr ElementwiseLoops table = make_table("avx2");
  return &table;
}
}  // namespace sramsim
#else
const sramsim::ElementwiseLoops* sramsim::elementwise_avx2() {
  return nullptr;
}
#endif
