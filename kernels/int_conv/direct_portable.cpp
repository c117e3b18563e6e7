// The direct convolution for every machine of the architecture.
#include "kernels/int_conv/direct_impl.h"
#include "kernels/int_conv/direct_targets.h"

namespace sramsim {
const DirectConvLoops* direct_conv_portable() {
  static constexpr DirectConvLoops table = make_table("portable");
  return &table;
}
}  // namespace sramsim
