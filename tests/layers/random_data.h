// Operands of the tests, by our own generator: the same on every machine.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/core/philox.h"

namespace sramsim::test {

class Draw {
 public:
  explicit Draw(uint64_t seed) : key_{seed, 0, 0} {}
  uint32_t word() { return philox_word(key_, next_++); }
  int range(int low, int high) {
    return low + static_cast<int>(word() % static_cast<uint32_t>(high - low + 1));
  }
  float uniform(float low, float high) { return low + (high - low) * unit_float(word()); }

  std::vector<float> floats(size_t n, float low, float high) {
    std::vector<float> v(n);
    for (float& x : v) x = uniform(low, high);
    return v;
  }
  /// Codes 0..max, about half of them zero, as after a ReLU.
  std::vector<uint8_t> activation_codes(size_t n, int max) {
    std::vector<uint8_t> v(n);
    for (uint8_t& q : v) q = word() % 2 ? static_cast<uint8_t>(range(0, max)) : uint8_t{0};
    return v;
  }
  std::vector<int8_t> weight_codes(size_t n, int max) {
    std::vector<int8_t> v(n);
    for (int8_t& c : v) c = static_cast<int8_t>(range(-max, max));
    return v;
  }

 private:
  RandomKey key_;
  uint64_t next_ = 0;
};

}  // namespace sramsim::test
