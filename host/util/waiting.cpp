#include "host/util/waiting.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace sramsim {
namespace {

/// valgrind's tools lie in the process itself and would lose it.
bool is_under_valgrind() {
  const char* preloaded = std::getenv("LD_PRELOAD");
  return preloaded && std::string_view(preloaded).find("vgpreload") != std::string_view::npos;
}

}  // namespace

void limit_spinning(char** argv) {
  if (is_under_valgrind() || std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  if (setenv("GOMP_SPINCOUNT", "1000", /*overwrite=*/1) == 0) execv("/proc/self/exe", argv);
}

}  // namespace sramsim
