// The convolution over nonzero codes for x86-64 with AVX2.
#include "kernels/int_conv/nonzero_targets.h"
#ifdef __AVX2__
#include "kernels/int_conv/nonzero_impl.h"

namespace sramsim {
const NonzeroConvLoops* nonzero_conv_avx2() {
  static constexpr NonzeroConvLoops table{"avx2", list_nonzeros, forward_rows};
  return &table;
}
}  // namespace sramsim
#else
const sramsim::NonzeroConvLoops* sramsim::nonzero_conv_avx2() {
  return nullptr;
}
#endif
