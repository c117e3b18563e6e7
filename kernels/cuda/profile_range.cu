#include "kernels/cuda/profile_range.h"

#include <nvtx3/nvToolsExt.h>

namespace sramsim {

ProfileRange::ProfileRange(const char* name) {
  nvtxRangePushA(name);
}

ProfileRange::~ProfileRange() {
  nvtxRangePop();
}

}  // namespace sramsim
