// Ctrl-C: long work asks between steps whether it should stop, so that nothing is left half-written.
#pragma once

#include <stdexcept>

namespace sramsim {

/// The user asked to stop; main() turns it into exit code 130.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

/// SIGINT and SIGTERM set a flag; a second one ends the process at once.
void install_interrupt_handler();
bool interrupt_requested() noexcept;
/// Throws Interrupted once the flag is set. Cheap enough for every batch.
void throw_if_interrupted();

}  // namespace sramsim
