// Where the files lie that tests read: the source tree, or the copy that a bundle on another machine names.
#pragma once

#include <cstdlib>
#include <string>

namespace sramsim::test {

inline std::string source_dir() {
  const char* moved = std::getenv("SRAMSIM_SOURCE");
  return moved != nullptr ? moved : SRAMSIM_SOURCE_DIR;
}

}  // namespace sramsim::test
