// Work cut into fixed chunks: the cut, and so the order of every reduction, does not depend on the number of
// threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/core/chunk.h"

namespace sramsim {

/// f(begin, end) over [0, count) in chunks of `chunk`, in parallel.
template <typename F>
void parallel_chunks(size_t count, F&& f, size_t chunk = kChunk) {
  const auto chunks = static_cast<int64_t>((count + chunk - 1) / chunk);
#pragma omp parallel for schedule(static) if (chunks > 1)
  for (int64_t i = 0; i < chunks; ++i) {
    const size_t begin = static_cast<size_t>(i) * chunk;
    f(begin, std::min(begin + chunk, count));
  }
}

/// Sum of f(begin, end) over the chunks, added in order; `partial` is the caller's scratch, kept between
/// calls.
template <typename F>
double parallel_sum(size_t count, std::vector<double>& partial, F&& f) {
  partial.assign((count + kChunk - 1) / kChunk, 0.0);
  parallel_chunks(count, [&](size_t begin, size_t end) { partial[begin / kChunk] = f(begin, end); });
  double sum = 0.0;
  for (double p : partial) sum += p;
  return sum;
}

}  // namespace sramsim
