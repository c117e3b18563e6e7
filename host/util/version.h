// What was built: for --version and for every report that the program writes.
#pragma once

#include <string>

namespace sramsim {

std::string version();       ///< "0.1.0"
std::string version_line();  ///< "sramsim 0.1.0 (commit ..., GNU 12.2.0, CPU only)"

}  // namespace sramsim
