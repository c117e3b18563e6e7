// Why trying so few numbers is enough for quotients. Let 1 <= x, d < 2 (powers of two change nothing), x = X
// * 2^-23 and d = D * 2^-23. Before the last rounding, the product is off the quotient q by less than 2^-48 *
// (1 + 2^-5): twice the error of high + low, 2^-50 + 2^-54, and the rounding of x * low, 2^-49. It can only
// round to another float where q is that close to the middle m of two floats. There M is odd, and D has fewer
// than 24 factors of two, so that N is not 0:
//   q from 1 on  m = M * 2^-24, |q - m| = |N| / (D * 2^24), N = X * 2^24 - M * D: close enough only for N =
//   +-1,
//                and then D is odd and X = D + (+-2^-24 modulo D)
//   q below 1    m = M * 2^-25, |q - m| = |N| / (D * 2^25), N = X * 2^25 - M * D: for N = +-1, D odd,
//                X = +-2^-25 modulo D, or N = +-2, D two times an odd number and X = +-2^-24 modulo that
// Four numbers to try at most, and none where 4 divides D.
#include "kernels/core/two_floats.h"

#include <array>
#include <cmath>

namespace sramsim {
namespace {

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
    if (times(static_cast<float>(n), factor) != static_cast<float>(step * n)) return false;
  return true;
}

bool gives_quotients(const TwoFloats& reciprocal, float d) {
  int exponent = 0;
  const auto divisor = static_cast<uint32_t>(std::ldexp(std::frexp(d, &exponent), 24));
  if (divisor % 4 == 0) return true;
  const bool odd = divisor % 2 != 0;
  const uint32_t modulus = odd ? divisor : divisor / 2;
  const uint32_t v = inverse_power_of_two(25, modulus), w = inverse_power_of_two(24, modulus);
  const std::array<uint32_t, 4> of_odd = {v, divisor - v, divisor + w, 2 * divisor - w},
                                of_even = {w, modulus - w, modulus + w, divisor - w};
  for (uint32_t dividend : odd ? of_odd : of_even) {
    if (dividend >= 1u << 24) continue;  // no float
    const auto x = std::ldexp(static_cast<float>(dividend), exponent);
    if (times(x, reciprocal) != x / d) return false;
  }
  return true;
}

}  // namespace sramsim
