// Who draws what: every purpose has its own stream of random numbers.
#pragma once

#include <cstdint>

namespace sramsim {

enum class RandomPurpose : uint32_t { kInitialise = 1, kShuffle = 2, kDropout = 3 };

/// `index`: the tensor or layer that draws.
constexpr uint64_t random_stream(RandomPurpose purpose, uint32_t index = 0) {
  return (static_cast<uint64_t>(purpose) << 32) | index;
}

}  // namespace sramsim
