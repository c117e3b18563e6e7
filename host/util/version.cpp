#include "host/util/version.h"

#include "sramsim_version.h"

namespace sramsim {

std::string version() {
  return SRAMSIM_VERSION;
}

std::string version_line() {
#ifdef SRAMSIM_HAVE_CUDA
  const char* devices = "CPU and CUDA";
#else
  const char* devices = "CPU only";
#endif
  return std::string("sramsim ") + SRAMSIM_VERSION + " (commit " + SRAMSIM_COMMIT + ", " + SRAMSIM_COMPILER +
         ", " + devices + ")";
}

}  // namespace sramsim
