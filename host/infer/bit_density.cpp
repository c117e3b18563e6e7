#include "host/infer/bit_density.h"

#include <bit>
#include <vector>

namespace sramsim {
namespace {

/// windows[y]: how many windows along one side read line y.
std::vector<int64_t> windows_over(int size, int kernel, int stride, int padding, int outputs) {
  std::vector<int64_t> windows(size, 0);
  for (int o = 0; o < outputs; ++o)
    for (int k = 0; k < kernel; ++k) {
      const int line = o * stride + k - padding;
      if (line >= 0 && line < size) ++windows[line];
    }
  return windows;
}

}  // namespace

int64_t input_bits(const ConvShape& shape, int act_bits) {
  return int64_t{shape.out_h()} * shape.out_w() * shape.rows() * act_bits;
}

int64_t count_set_bits(const ConvShape& shape, const uint8_t* q, int n) {
  const auto over_y = windows_over(shape.h, shape.kh, shape.stride, shape.padding, shape.out_h());
  const auto over_x = windows_over(shape.w, shape.kw, shape.stride, shape.padding, shape.out_w());
  int64_t set = 0;
  for (int image = 0; image < n; ++image)
    for (int y = 0; y < shape.h; ++y)
      for (int x = 0; x < shape.w; ++x) {
        int64_t here = 0;
        for (int channel = 0; channel < shape.c; ++channel) here += std::popcount(*q++);
        set += here * over_y[y] * over_x[x];
      }
  return set;
}

double measure_bit_density(const ConvShape& shape, int act_bits, const uint8_t* q, int n) {
  const int64_t all = n * input_bits(shape, act_bits);
  return all == 0 ? 0.0 : static_cast<double>(count_set_bits(shape, q, n)) / static_cast<double>(all);
}

}  // namespace sramsim
