// The direct convolution for x86-64 with AVX2.
#include "kernels/int_conv/direct_targets.h"
#ifdef __AVX2__
#include "kernels/int_conv/direct_impl.h"

namespace sramsim {
const DirectConvLoops* direct_conv_avx2() {
  static constexpr DirectConvLoops table = make_table("avx2");
  return &table;
}
}  // namespace sramsim
#else
const sramsim::DirectConvLoops* sramsim::direct_conv_avx2() {
  return nullptr;
}
#endif
