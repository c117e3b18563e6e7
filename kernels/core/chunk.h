// The cut of every reduction, which fixes its order on all backends.
#pragma once

#include <cstddef>

namespace sramsim {

/// Elements of one chunk: 64 KiB of floats, which fits a core's L2 cache beside a second operand.
inline constexpr size_t kChunk = 16384;

}  // namespace sramsim
