// The emulated block's shared memory with a shadow of who touched which word when.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/cuda/ptx.h"

namespace sramsim::emulator {

/// When an access happened, for the happens-before question: barriers passed by the block, by the warpgroup
/// and by the warp.
struct Moment {
  int thread = -1;
  int64_t block_epoch = 0, group_epoch = 0, warp_epoch = 0;
};

class SharedMemory {
 public:
  void reset(size_t bytes);
  /// Accesses of `words` consecutive words by the thread of `now`. Throw KernelError on a race, an unwritten
  /// or pending word, or a bad address.
  void read(uint32_t address, int words, const Moment& now, uint32_t* to);
  void write(uint32_t address, int words, const Moment& now, const uint32_t* from);
  /// Reads by a tensor product, which does not see writes before their thread has fenced them.
  void read_for_product(uint32_t address, int words, const Moment& now, uint32_t* to);
  void fence(int thread);
  /// An asynchronous copy holds the words from issue to completion; until then they contain garbage.
  void begin_copy(uint32_t address, const Moment& now);
  void end_copy(uint32_t address, const Moment& now, const Unit& value);

 private:
  enum class Readers : uint8_t { kNone, kThread, kWarp, kGroup, kBlock };
  struct Word {
    Moment writer, reader;
    Readers readers = Readers::kNone;
    bool written = false, pending = false, fenced = false;
  };
  size_t first_word(uint32_t address, int words, const Moment& now) const;
  void note_write(size_t word, const Moment& now);
  void note_read(size_t word, const Moment& now);

  std::vector<uint32_t> data_;
  std::vector<Word> shadow_;
  std::vector<std::vector<size_t>> unfenced_;  ///< words that a thread has written since its last fence
};

}  // namespace sramsim::emulator
