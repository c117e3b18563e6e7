// The two exception kinds of the project. Only main() turns them into a line and an exit code.
#pragma once

#include <stdexcept>
#include <string>

namespace sramsim {

/// Bad usage or bad input: the message names the file or option and what is wrong with it. Exit code 2.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A failure while running (disk full, device lost, ...). Exit code 1.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Out of the backend's memory: its own type, so that a caller can go on with a smaller batch.
class OutOfMemory : public RunError {
 public:
  using RunError::RunError;
};

}  // namespace sramsim
