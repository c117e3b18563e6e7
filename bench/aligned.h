// Operands where the program has them: on cache line boundaries.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/core/aligned_array.h"

namespace sramsim {

template <typename T>
AlignedArray<T> aligned_copy(const std::vector<T>& values) {
  AlignedArray<T> copy(values.size());
  std::copy(values.begin(), values.end(), copy.get());
  return copy;
}

}  // namespace sramsim
