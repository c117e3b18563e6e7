#include "kernels/pool/pool.h"

#include <algorithm>
#include <cstdint>

namespace sramsim {
namespace {

/// f(offset of the windows' first input row, offset of the output row) for every row of windows.
template <typename F>
void for_window_rows(const PoolShape& s, F&& f) {
  const int out_h = s.out_h();
  const int64_t rows = int64_t{s.n} * out_h;
#pragma omp parallel for schedule(static)
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t in_row = r / out_h * s.h + r % out_h * s.size;
    f(in_row * s.w * s.c, r * s.out_w() * s.c);
  }
}

/// Zeroes what no window covers; the windows' own backward pass writes the rest.
void zero_rest(const PoolShape& s, float* dx) {
  const int used_h = s.out_h() * s.size, used_w = s.out_w() * s.size;
  if (used_h == s.h && used_w == s.w) return;
#pragma omp parallel for schedule(static)
  for (int64_t row = 0; row < int64_t{s.n} * s.h; ++row) {
    const int first = row % s.h < used_h ? used_w : 0;
    float* line = dx + row * s.w * s.c;
    std::fill(line + int64_t{first} * s.c, line + int64_t{s.w} * s.c, 0.0f);
  }
}

}  // namespace

void avg_pool(const PoolShape& s, const float* x, float* y) {
  for_window_rows(s, [&](int64_t in, int64_t out) {
    elementwise_loops().avg_pool_row(x + in, s.w, s.c, s.size, s.out_w(), y + out);
  });
}

void avg_pool_backward(const PoolShape& s, const float* dy, const float* relu_y, float* dx) {
  zero_rest(s, dx);
  for_window_rows(s, [&](int64_t in, int64_t out) {
    elementwise_loops().avg_pool_backward_row(dy + out, relu_y ? relu_y + in : nullptr, s.w, s.c, s.size,
                                              s.out_w(), dx + in);
  });
}

void max_pool(const PoolShape& s, const float* x, float* y) {
  for_window_rows(s, [&](int64_t in, int64_t out) {
    elementwise_loops().max_pool_row(x + in, s.w, s.c, s.size, s.out_w(), y + out);
  });
}

void max_pool_backward(const PoolShape& s, const float* x, const float* dy, float* dx) {
  zero_rest(s, dx);
  for_window_rows(s, [&](int64_t in, int64_t out) {
    elementwise_loops().max_pool_backward_row(x + in, dy + out, s.w, s.c, s.size, s.out_w(), dx + in);
  });
}

}  // namespace sramsim
