// A build without CUDA has no profiler to tell.
#include "kernels/cuda/profile_range.h"

namespace sramsim {

ProfileRange::ProfileRange(const char* /*name*/) {}

ProfileRange::~ProfileRange() = default;

}  // namespace sramsim
