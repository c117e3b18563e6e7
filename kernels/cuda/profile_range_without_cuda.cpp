// A build without CUDA has no profiler to tell.
#include "kernels/cuda/profile_range.h"

namespace sramsim {

ProfileRange::ProfileRange(const char* /*name*/) {}

// NOLINTNEXTLINE(performance-trivially-destructible): with CUDA it closes the range
ProfileRange::~ProfileRange() = default;

}  // namespace sramsim
