// Philox4x32-10: counter-based random numbers (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011). A draw depends only on its key and counter, never on scheduling, so every backend, thread count
// and batch size sees the same numbers.
#pragma once

#include <cstdint>

#include "kernels/core/macros.h"

namespace sramsim {

/// Identifies a reproducible random draw: the same for every thread count, batch size and backend.
struct RandomKey {
  uint64_t seed = 0;
  uint64_t stream = 0;  ///< what it belongs to: layer, purpose
  uint64_t step = 0;    ///< training step or image index
};

struct Philox4 {
  uint32_t word[4];
};

// The functions are static: the same text is compiled for several instruction sets in one program, and no
// copy may stand in for another.

/// The generator itself: ten rounds over a 128-bit counter with a 64-bit key.
SRAMSIM_HD static inline Philox4 philox4x32(Philox4 counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53u} * counter.word[0];
    const uint64_t b = uint64_t{0xCD9E8D57u} * counter.word[2];
    counter = {{static_cast<uint32_t>(b >> 32) ^ counter.word[1] ^ key0, static_cast<uint32_t>(b),
                static_cast<uint32_t>(a >> 32) ^ counter.word[3] ^ key1, static_cast<uint32_t>(a)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

/// Finaliser of SplitMix64: a bijection that spreads every input bit.
SRAMSIM_HD static inline uint64_t mix64(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

/// Four 32-bit words of block `block`: element i of a draw is word i%4 of block i/4. Seed and stream make the
/// key, step and block the counter.
SRAMSIM_HD static inline Philox4 philox_block(const RandomKey& key, uint64_t block) {
  const uint64_t k = mix64(key.seed + 0x9E3779B97F4A7C15ull * (mix64(key.stream) | 1));
  const Philox4 counter = {{static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                            static_cast<uint32_t>(key.step), static_cast<uint32_t>(key.step >> 32)}};
  return philox4x32(counter, static_cast<uint32_t>(k), static_cast<uint32_t>(k >> 32));
}

SRAMSIM_HD static inline uint32_t philox_word(const RandomKey& key, uint64_t element) {
  return philox_block(key, element / 4).word[element % 4];
}

/// [0,1) with 24 random bits: every value is exact in float.
SRAMSIM_HD static inline float unit_float(uint32_t word) {
  return static_cast<float>(word >> 8) * (1.0f / 16777216.0f);
}

}  // namespace sramsim
