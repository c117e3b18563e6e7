// The direct convolution for x86-64 with AVX-512 (Ice Lake, Zen 4 and later).
#include "kernels/int_conv/direct_targets.h"
#ifdef __AVX512VNNI__
#include "kernels/int_conv/direct_impl.h"

namespace sramsim {
const DirectConvLoops* direct_conv_avx512() {
  static constexpr DirectConvLoops table = make_table("avx512");
  return &table;
}
}  // namespace sramsim
#else
const sramsim::DirectConvLoops* sramsim::direct_conv_avx512() {
  return nullptr;
}
#endif
