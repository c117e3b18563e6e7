#include "host/infer/bit_density.h"

#include <bit>
#include <cstring>
#include <numeric>
#include <vector>

#include "kernels/core/parallel.h"

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

/// Set bits of `count` bytes, eight at a time: in pairs, fours and bytes, which a product adds up.
int64_t set_bits(const uint8_t* q, int count) {
  int64_t set = 0;
  for (; count >= 8; count -= 8, q += 8) {
    uint64_t word;
    std::memcpy(&word, q, sizeof word);
    word -= word >> 1 & 0x5555555555555555u;
    word = (word & 0x3333333333333333u) + (word >> 2 & 0x3333333333333333u);
    word = (word + (word >> 4)) & 0x0F0F0F0F0F0F0F0Fu;
    set += static_cast<int64_t>(word * 0x0101010101010101u >> 56);
  }
  for (; count > 0; --count) set += std::popcount(*q++);
  return set;
}

}  // namespace

int64_t input_bits(const ConvShape& shape, int act_bits) {
  return int64_t{shape.out_h()} * shape.out_w() * shape.rows() * act_bits;
}

int64_t count_set_bits(const ConvShape& shape, const uint8_t* q, int n) {
  const auto over_y = windows_over(shape.h, shape.kh, shape.stride, shape.padding, shape.out_h());
  const auto over_x = windows_over(shape.w, shape.kw, shape.stride, shape.padding, shape.out_w());
  std::vector<int64_t> set(n);  // by image
  parallel_chunks(
      n,
      [&](size_t begin, size_t end) {
        for (size_t image = begin; image < end; ++image) {
          const uint8_t* pixel = q + static_cast<int64_t>(image) * shape.inputs();
          for (int y = 0; y < shape.h; ++y)
            for (int x = 0; x < shape.w; ++x, pixel += shape.c)
              set[image] += set_bits(pixel, shape.c) * over_y[y] * over_x[x];
        }
      },
      1);
  return std::accumulate(set.begin(), set.end(), int64_t{0});
}

double measure_bit_density(const ConvShape& shape, int act_bits, const uint8_t* q, int n) {
  const int64_t all = n * input_bits(shape, act_bits);
  return all == 0 ? 0.0 : static_cast<double>(count_set_bits(shape, q, n)) / static_cast<double>(all);
}

}  // namespace sramsim
