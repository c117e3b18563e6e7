// The convolution over nonzero codes for every machine of the architecture.
#include "kernels/int_conv/nonzero_impl.h"
#include "kernels/int_conv/nonzero_targets.h"

namespace sramsim {
const NonzeroConvLoops* nonzero_conv_portable() {
  static constexpr NonzeroConvLoops table{"portable", list_nonzeros, forward_rows};
  return &table;
}
}  // namespace sramsim
