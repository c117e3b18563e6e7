// A block emulator: runs the real kernel bodies on the host, one fiber per GPU thread, and watches what they
// do with shared memory. Caught, each with the thread and address in the message:
//   - two threads touching a word of shared memory without a barrier between, one of them writing (a missing
//   barrier)
//   - reading a word nobody has written, or whose asynchronous copy has not been waited for
//   - a tensor product of a warpgroup that reads words whose writer has not fenced them, or whose words are
//   overwritten before it is waited for; registers read before that; warps of a warpgroup that start
//   different ones
//   - addresses outside the block's shared memory, misaligned ones
//   - lanes of a warp at different warp-wide instructions, barriers that some threads never reach
// Lane layouts are those of fragments.h, so a wrong lane index gives wrong sums, as on the device. Warps are
// scheduled at random, each as far ahead of the others as the barriers allow.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace sramsim::emulator {

/// What the kernel did wrong, in one line.
class KernelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Errors that a test plants in the kernel it runs, to see that they are caught.
struct Faults {
  int skip_block_sync = -1;      ///< every thread runs through its k-th barrier of a block without stopping
  int skip_warpgroup_sync = -1;  ///< the same for barriers of a warpgroup
  bool skip_fences = false;      ///< writes are never fenced for warpgroup products
  bool skip_arrivals = false;    ///< warpgroup_arrive() does nothing
  int skip_product_wait = -1;    ///< the k-th wait for warpgroup products does nothing
  int skip_copy_wait = -1;       ///< the k-th wait for asynchronous copies does nothing
  int swap_lanes = 0;            ///< lane_index() gives lane ^ swap_lanes
};

struct Launch {
  int grid_x = 1, grid_y = 1;
  int block = 32;           ///< threads, a multiple of 32
  size_t shared_bytes = 0;  ///< dynamic shared memory
  uint64_t seed = 1;        ///< of the schedule
  Faults faults{};
};

/// What a run did, summed over blocks.
struct Counts {
  int64_t block_syncs = 0;  ///< barriers of the block that did most
  int64_t copy_waits = 0;   ///< waits of one thread of that block
  int64_t mmas = 0;         ///< warp-wide products of all blocks
};

/// Runs `body` once per thread of every block, block after block. Throws KernelError.
Counts run(const Launch& launch, const std::function<void()>& body);

}  // namespace sramsim::emulator
