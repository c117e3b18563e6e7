// Codes of a strip's windows to tiles of bytes that hold two activation bits. Included by the source that is
// compiled for AVX-512 and, like everything there, in its unnamed namespace.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cstdint>

#include "kernels/core/macros.h"
#include "kernels/sram_conv/matrix_unit.h"

namespace sramsim::matrix_unit {
namespace {

/// The blocks of a strip and their places in Strip::activations.
struct Blocks {
  const uint8_t* places[kStripBlocks];
  int count;
};

/// Bits 2k and 2k+1 of every byte -> bits 0 and 7.
SRAMSIM_INLINE __m512i pair_of(__m512i codes, int pair) {
  static constexpr uint64_t kSelect[] = {0x0100'0000'0000'0002, 0x0400'0000'0000'0008, 0x1000'0000'0000'0020,
                                         0x4000'0000'0000'0080};
  return _mm512_gf2p8affine_epi64_epi8(codes, _mm512_set1_epi64(static_cast<int64_t>(kSelect[pair])), 0);
}

/// Codes -> pairs at `to` and a pair or half further on each.
template <int kHalves>
SRAMSIM_INLINE void store_pairs(const Layer& layer, uint8_t* to, __mmask64 rows, __m512i codes) {
#pragma GCC unroll 2
  for (int half = 0; half < kHalves; ++half, to += layer.half_bytes) {
    _mm512_mask_storeu_epi8(to, rows, pair_of(codes, 2 * half));
    _mm512_mask_storeu_epi8(to + layer.pair_bytes, rows, pair_of(codes, 2 * half + 1));
  }
}

SRAMSIM_INLINE __mmask64 first_bytes(int count) {
  return ~uint64_t{0} >> (64 - count);
}

/// The windows of one block, those past the strip's end as its last.
class Windows {
 public:
  Windows(const Layer& layer, const Strip& strip, int64_t first) : layer_(layer) {
    const int64_t inputs = int64_t{layer.h} * layer.w * layer.c;
    const int out_w = layer.out_w, out_h = layer.out_h;
    int x = static_cast<int>(first % out_w), y = static_cast<int>(first / out_w % out_h);
    const uint8_t* image = strip.q + first / (int64_t{out_w} * out_h) * inputs;
    for (int w = 0; w < kWindows; ++w) {
      x_[w] = x * layer_.stride - layer_.padding;
      y_[w] = y * layer_.stride - layer_.padding;
      image_[w] = image;
      if (first + w + 1 >= strip.end_pixel) continue;
      if (++x < out_w) continue;
      x = 0;
      if (++y < out_h) continue;
      y = 0;
      image += inputs;
    }
  }
  /// Codes of the window's pixel at a kernel position; null in the padding.
  const uint8_t* codes(int w, int down, int right) const {
    const int y = y_[w] + down, x = x_[w] + right;
    if (y < 0 || y >= layer_.h || x < 0 || x >= layer_.w) return nullptr;
    return image_[w] + (int64_t{y} * layer_.w + x) * layer_.c;
  }

 private:
  const Layer& layer_;
  int x_[kWindows], y_[kWindows];
  const uint8_t* image_[kWindows];
};

/// Every window's own bytes, for one block, and with kSums the sums of the windows' codes.
template <int kHalves, bool kSums>
void gather_windows(const Layer& layer, const Windows& windows, uint8_t* block, int32_t* window_sums) {
  const uint8_t* codes[kWindows] = {};
  __m512i sums[kWindows] = {};
  for (int k = 0; k < layer.run_count; ++k) {
    const Run& run = layer.runs[k];
    if (run.new_position)
      for (int w = 0; w < kWindows; ++w) codes[w] = windows.codes(w, run.down, run.right);
    const __mmask64 rows = first_bytes(run.rows);
    uint8_t* to = block + layer.group_places[run.group] + run.group_row / kSliceRows * layer.slice_bytes +
                  run.group_row % kSliceRows;
    for (int w = 0; w < kWindows; ++w, to += layer.depth) {
      const __m512i q = codes[w] ? _mm512_maskz_loadu_epi8(rows, codes[w] + run.channel) : __m512i{};
      if constexpr (kSums) sums[w] = _mm512_add_epi64(sums[w], _mm512_sad_epu8(q, __m512i{}));
      store_pairs<kHalves>(layer, to, rows, q);
    }
  }
  if constexpr (kSums)
    for (int w = 0; w < kWindows; ++w)
      window_sums[w] = static_cast<int32_t>(_mm512_reduce_add_epi64(sums[w]));
}

template <int kHalves>
void gather_own(const Layer& layer, const Strip& strip, Blocks& blocks) {
  for (int64_t first = strip.first_pixel; first < strip.end_pixel; first += kWindows) {
    uint8_t* block = strip.activations + blocks.count * layer.block_bytes;
    const Windows windows(layer, strip, first);
    if (layer.offset)
      gather_windows<kHalves, true>(layer, windows, block, strip.window_sums + (first - strip.first_pixel));
    else
      gather_windows<kHalves, false>(layer, windows, block, nullptr);
    blocks.places[blocks.count++] = block;
  }
}

/// One input row that windows share, -padding <= y < h + padding, for every kernel column.
template <int kHalves>
void gather_row(const Layer& layer, const uint8_t* image, int y, uint8_t* row) {
  const int64_t column_bytes = int64_t{layer.input_rows} * layer.out_w * layer.depth;
  for (int k = 0; k < layer.shared_slice_count; ++k, row += layer.slice_bytes) {
    const Slice& slice = layer.shared_slices[k];
    const __mmask64 rows = first_bytes(slice.rows);
    for (int at = 0; at < layer.out_w + layer.kw - 1; ++at) {
      const int x = at - layer.padding;
      const bool inside = 0 <= y && y < layer.h && 0 <= x && x < layer.w;
      const __m512i codes =
          inside ? _mm512_maskz_loadu_epi8(rows, image + (int64_t{y} * layer.w + x) * layer.c + slice.channel)
                 : __m512i{};
      for (int right = std::max(0, at - layer.out_w + 1); right <= std::min(at, layer.kw - 1); ++right)
        store_pairs<kHalves>(layer, row + right * column_bytes + int64_t{at - right} * layer.depth, rows,
                             codes);
    }
  }
}

/// The sum of the codes of a pixel.
inline int32_t add_up_pixel(const uint8_t* codes, int channels) {
  __m512i sum{};
  for (int c = 0; c < channels; c += 64)
    sum = _mm512_add_epi64(
        sum, _mm512_sad_epu8(_mm512_maskz_loadu_epi8(first_bytes(std::min(channels - c, 64)), codes + c),
                             __m512i{}));
  return static_cast<int32_t>(_mm512_reduce_add_epi64(sum));
}

/// Windows [first, end) of one image.
struct Part {
  int64_t first, end;
};

/// Adds the codes of one input row to the sums of the windows that see it.
inline void add_up_row(const Layer& layer, const Part& part, const uint8_t* image, int y,
                       int32_t* window_sums) {
  for (int x = 0; x < layer.w; ++x) {
    const int32_t sum = add_up_pixel(image + (int64_t{y} * layer.w + x) * layer.c, layer.c);
    for (int down = 0; down < layer.kh; ++down)
      for (int right = 0; right < layer.kw; ++right) {
        const int64_t row = y + layer.padding - down, column = x + layer.padding - right;
        const int64_t window = row * layer.out_w + column;
        if (0 <= column && column < layer.out_w && part.first <= window && window < part.end)
          window_sums[window - part.first] += sum;
      }
  }
}

template <int kHalves>
void gather_shared(const Layer& layer, const Strip& strip, Blocks& blocks) {
  const int64_t inputs = int64_t{layer.h} * layer.w * layer.c;
  const int64_t windows = int64_t{layer.out_h} * layer.out_w;  // of an image
  const int64_t row_bytes = int64_t{layer.out_w} * layer.depth;
  uint8_t* row = strip.activations;
  for (int64_t pixel = strip.first_pixel, end; pixel < strip.end_pixel; pixel = end) {
    const int64_t image = pixel / windows;
    end = std::min(strip.end_pixel, (image + 1) * windows);
    const Part part{pixel - image * windows, end - image * windows};
    const auto y = static_cast<int>(part.first / layer.out_w),
               last_y = static_cast<int>((part.end - 1) / layer.out_w);
    for (int64_t first = part.first; first < part.end; first += kWindows)
      blocks.places[blocks.count++] = row + (first - int64_t{y} * layer.out_w) * layer.depth;
    const uint8_t* q = strip.q + image * inputs;
    int32_t* window_sums = strip.window_sums + (pixel - strip.first_pixel);
    if (layer.offset) std::fill_n(window_sums, part.end - part.first, 0);
    for (int input_y = y - layer.padding; input_y < last_y + layer.kh - layer.padding;
         ++input_y, row += row_bytes) {
      gather_row<kHalves>(layer, q, input_y, row);
      if (layer.offset && 0 <= input_y && input_y < layer.h) add_up_row(layer, part, q, input_y, window_sums);
    }
  }
}

template <int kHalves>
Blocks gather_halves(const Layer& layer, const Strip& strip) {
  Blocks blocks{};
  layer.shared ? gather_shared<kHalves>(layer, strip, blocks) : gather_own<kHalves>(layer, strip, blocks);
  return blocks;
}

/// Activation tiles of a strip, and the sums of its windows' codes where the encoding wants them.
inline Blocks gather(const Layer& layer, const Strip& strip) {
  return layer.halves == 1 ? gather_halves<1>(layer, strip) : gather_halves<2>(layer, strip);
}

}  // namespace
}  // namespace sramsim::matrix_unit
