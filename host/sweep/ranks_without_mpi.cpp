#include <cstdlib>

#include "host/sweep/ranks.h"
#include "kernels/core/error.h"

namespace sramsim {

Ranks::Ranks() {
  if (started_by_launcher())
    throw RunError("this build has no MPI (SRAMSIM_MPI), so that every process would compute everything");
}

Ranks::~Ranks() = default;

void Ranks::send(int, const std::string&) {
  throw RunError("this build has no MPI");
}

std::pair<int, std::string> Ranks::receive() {
  throw RunError("this build has no MPI");
}

int Ranks::first_failure(bool failed) {
  return failed ? 0 : -1;
}

void Ranks::abort(int code) {
  std::_Exit(code);
}

}  // namespace sramsim
