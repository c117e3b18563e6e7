#include "host/util/waiting.h"

#include <unistd.h>

#include <cstdlib>

namespace sramsim {

void limit_spinning(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  if (setenv("GOMP_SPINCOUNT", "1000", /*overwrite=*/1) == 0) execv("/proc/self/exe", argv);
}

}  // namespace sramsim
