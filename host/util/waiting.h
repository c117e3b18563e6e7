// How threads wait for each other at the end of a parallel loop.
#pragma once

namespace sramsim {

/// Makes OpenMP's threads sleep after a few microseconds of waiting; call first thing in main(). By default
/// GNU's runtime lets them spin for milliseconds, which on a machine with other work takes the core away from
/// the thread that is waited for: a run of 2 s took 80 s. The runtime reads its settings before main(), so
/// the program is started again, once, with GOMP_SPINCOUNT set. Settings of the user (OMP_WAIT_POLICY,
/// GOMP_SPINCOUNT) stay; under valgrind, or where starting again fails, everything goes on as it was.
void limit_spinning(char** argv);

}  // namespace sramsim
