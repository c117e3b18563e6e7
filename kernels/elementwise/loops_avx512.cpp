// The elementwise loops for x86-64 with AVX-512 (Ice Lake, Zen 4 and later).
#include "kernels/elementwise/targets.h"
#ifdef __AVX512VNNI__
#include "kernels/elementwise/loops_impl.h"

namespace sramsim {
const ElementwiseLoops* elementwise_avx512() {
  static constexpr ElementwiseLoops table = make_table("avx512");
  return &table;
}
}  // namespace sramsim
#else
const sramsim::ElementwiseLoops* sramsim::elementwise_avx512() {
  return nullptr;
}
#endif
