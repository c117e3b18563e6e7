// Whole parts.
#pragma once

namespace sramsim {

/// Parts of `size` that `n` makes, the last one perhaps short; n >= 0.
template <typename T>
constexpr T ceil_div(T n, T size) {
  return (n + size - 1) / size;
}

constexpr int round_up(int n, int multiple) {
  return ceil_div(n, multiple) * multiple;
}

}  // namespace sramsim
