// Between the channels-first order of files (PyTorch) and the channels-last order of everything here.
#pragma once

#include <cstdint>

namespace sramsim {

/// from [N,C,S] to [N,S,C] (S = H*W or KH*KW); the buffers must not overlap.
template <typename T>
void to_channels_last(const T* from, int64_t n, int64_t c, int64_t s, T* to) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t k = 0; k < c; ++k)
      for (int64_t p = 0; p < s; ++p) to[(i * s + p) * c + k] = from[(i * c + k) * s + p];
}

/// from [N,S,C] to [N,C,S].
template <typename T>
void to_channels_first(const T* from, int64_t n, int64_t c, int64_t s, T* to) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t p = 0; p < s; ++p)
      for (int64_t k = 0; k < c; ++k) to[(i * c + k) * s + p] = from[(i * s + p) * c + k];
}

}  // namespace sramsim
