// The convolution over nonzero codes for x86-64 with AVX-512 (Ice Lake, Zen 4 and later).
#include "kernels/int_conv/nonzero_targets.h"
#ifdef __AVX512VBMI2__
#include "kernels/int_conv/nonzero_impl.h"

namespace sramsim {
const NonzeroConvLoops* nonzero_conv_avx512() {
  static constexpr NonzeroConvLoops table{"avx512", list_nonzeros, forward_rows};
  return &table;
}
}  // namespace sramsim
#else
const sramsim::NonzeroConvLoops* sramsim::nonzero_conv_avx512() {
  return nullptr;
}
#endif
