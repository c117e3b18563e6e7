// How much memory this process took.
#pragma once

#include <cstdint>

namespace sramsim {

/// Largest resident set so far, in bytes. Device memory is not in it.
int64_t peak_memory_bytes();

}  // namespace sramsim
