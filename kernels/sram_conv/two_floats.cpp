// Why trying so few numbers is enough for quotients. Let 1 <= x, d < 2 (powers of two change nothing), x = X
// * 2^-23 and d = D * 2^-23. Before the last rounding, the product is off the quotient q by less than 2^-48:
// twice the error of high + low, 2^-50, and the rounding of x * low, 2^-49. It can only round to another
// float where q is that close to the middle m of two floats. From 1 on, m = M * 2^-24 and |q - m| = |X * 2^24
// - M * D| / (D * 2^24), which is more than 2^-48, as it cannot be 0: M is odd, and D has fewer than 24
// factors of two. Below 1, m = M * 2^-25 and |q - m| = |X * 2^25 - M * D| / (D * 2^25), which is more than
// 2^-48 too, unless X * 2^25 - M * D is 1 or -1. D is odd then, and X = +-1/2^25 modulo D: two numbers to
// try.
#include "kernels/sram_conv/two_floats.h"

#include <cmath>
#include <initializer_list>

namespace sramsim::cuda {
namespace {

float product(float x, const TwoFloats& factor) {
  return std::fmaf(x, factor.high, x * factor.low);
}

/// 2^-k modulo an odd number.
uint32_t inverse_power_of_two(int k, uint32_t odd) {
  uint32_t inverse = 1;
  for (; k > 0; --k) inverse = (inverse % 2 == 0 ? inverse : inverse + odd) / 2;
  return inverse % odd;
}

}  // namespace

TwoFloats two_floats(double factor) {
  const auto high = static_cast<float>(factor);
  return {high, static_cast<float>(factor - high)};
}

bool gives_sums(const TwoFloats& factor, double step, int64_t most) {
  if (step == 1.0) return true;
  if (most > (1 << 18)) return false;
  for (int32_t n = 0; n <= most; ++n)  // negative ones are mirror images
    if (product(static_cast<float>(n), factor) != static_cast<float>(step * n)) return false;
  return true;
}

bool gives_quotients(const TwoFloats& reciprocal, float d) {
  int exponent = 0;
  const auto divisor = static_cast<uint32_t>(std::ldexp(std::frexp(d, &exponent), 24));
  if (divisor % 2 == 0) return true;
  const uint32_t inverse = inverse_power_of_two(25, divisor);
  for (uint32_t dividend : {inverse, divisor - inverse}) {
    const auto x = std::ldexp(static_cast<float>(dividend), exponent);
    if (product(x, reciprocal) != x / d) return false;
  }
  return true;
}

}  // namespace sramsim::cuda
