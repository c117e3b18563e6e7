// Four elements at a time: one load and one store of a vector each on the device, plain C++ on the host.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/core/macros.h"

namespace sramsim {

template <typename T>
struct alignas(4 * sizeof(T)) Four {
  T v[4];
};

template <typename T>
SRAMSIM_HD inline bool holds_fours(const T* p) {
  return reinterpret_cast<uintptr_t>(p) % alignof(Four<T>) == 0;
}

template <typename T>
SRAMSIM_HD inline Four<T> load_four(const T* p) {
  return *reinterpret_cast<const Four<T>*>(p);
}

/// out[k] = f(k - first, in[k]...) for the elements of group `group`: four, fewer at the end of `count`.
/// Elementwise in place is allowed. Any alignment; whole groups of aligned arrays move as vectors.
template <typename F, typename Out, typename... In>
SRAMSIM_HD inline void map_four(size_t group, size_t count, F f, Out* out, const In*... in) {
  const size_t first = 4 * group;
  if (first >= count) return;
  if (count - first >= 4 && holds_fours(out) && (holds_fours(in) && ...)) {
    const auto apply = [&](const Four<In>&... x) {
      Four<Out> y;
      for (int k = 0; k < 4; ++k) y.v[k] = f(k, x.v[k]...);
      return y;
    };
    *reinterpret_cast<Four<Out>*>(out + first) = apply(load_four(in + first)...);
    return;
  }
  const int n = count - first < 4 ? static_cast<int>(count - first) : 4;
  for (int k = 0; k < n; ++k) out[first + k] = f(k, in[first + k]...);
}

/// Calls that map_four() needs for `count` elements.
constexpr size_t groups_of_four(size_t count) {
  return (count + 3) / 4;
}

}  // namespace sramsim
