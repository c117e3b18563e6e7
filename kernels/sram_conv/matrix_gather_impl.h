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

/// Every window's own bytes, for one block.
template <int kHalves>
void gather_windows(const Layer& layer, const Windows& windows, uint8_t* block) {
  const uint8_t* codes[kWindows] = {};
  for (int k = 0; k < layer.run_count; ++k) {
    const Run& run = layer.runs[k];
    if (run.new_position)
      for (int w = 0; w < kWindows; ++w) codes[w] = windows.codes(w, run.down, run.right);
    const __mmask64 rows = first_bytes(run.rows);
    uint8_t* to = block + layer.group_places[run.group] + run.group_row / kSliceRows * layer.slice_bytes +
                  run.group_row % kSliceRows;
    for (int w = 0; w < kWindows; ++w, to += layer.depth)
      store_pairs<kHalves>(layer, to, rows,
                           codes[w] ? _mm512_maskz_loadu_epi8(rows, codes[w] + run.channel) : __m512i{});
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

template <int kHalves>
void gather_shared(const Layer& layer, const Strip& strip, Blocks& blocks) {
  const int64_t inputs = int64_t{layer.h} * layer.w * layer.c;
  const int64_t windows = int64_t{layer.out_h} * layer.out_w;  // of an image
  const int64_t row_bytes = int64_t{layer.out_w} * layer.depth;
  uint8_t* row = strip.activations;
  for (int64_t first = strip.first_pixel, end; first < strip.end_pixel; first = end) {
    const int64_t image = first / windows;
    end = std::min(strip.end_pixel, (image + 1) * windows);
    const auto begin_in_image = static_cast<int>(first - image * windows),
               last_in_image = static_cast<int>(end - 1 - image * windows);
    const int y = begin_in_image / layer.out_w, last_y = last_in_image / layer.out_w;
    for (int pixel = begin_in_image; pixel <= last_in_image; pixel += kWindows)
      blocks.places[blocks.count++] = row + int64_t{pixel - y * layer.out_w} * layer.depth;
    for (int input_y = y - layer.padding; input_y < last_y + layer.kh - layer.padding;
         ++input_y, row += row_bytes)
      gather_row<kHalves>(layer, strip.q + image * inputs, input_y, row);
  }
}

/// Sums of the codes of each window, which the offset encoding wants.
inline void add_up_windows(const Layer& layer, const Windows& windows, int32_t* window_sums) {
  for (int w = 0; w < kWindows; ++w) {
    __m512i sum{};
    for (int down = 0; down < layer.kh; ++down)
      for (int right = 0; right < layer.kw; ++right) {
        const uint8_t* codes = windows.codes(w, down, right);
        for (int c = 0; codes && c < layer.c; c += 64)
          sum = _mm512_add_epi64(
              sum, _mm512_sad_epu8(_mm512_maskz_loadu_epi8(first_bytes(std::min(layer.c - c, 64)), codes + c),
                                   __m512i{}));
      }
    window_sums[w] = static_cast<int32_t>(_mm512_reduce_add_epi64(sum));
  }
}

template <int kHalves>
Blocks gather_halves(const Layer& layer, const Strip& strip) {
  Blocks blocks{};
  if (layer.shared) gather_shared<kHalves>(layer, strip, blocks);
  for (int64_t first = strip.first_pixel; first < strip.end_pixel; first += kWindows) {
    if (layer.shared && layer.offset == 0) break;
    const Windows windows(layer, strip, first);
    if (layer.offset) add_up_windows(layer, windows, strip.window_sums + (first - strip.first_pixel));
    if (layer.shared) continue;
    uint8_t* block = strip.activations + blocks.count * layer.block_bytes;
    gather_windows<kHalves>(layer, windows, block);
    blocks.places[blocks.count++] = block;
  }
  return blocks;
}

/// Activation tiles of a strip, and the sums of its windows' codes where the encoding wants them.
inline Blocks gather(const Layer& layer, const Strip& strip) {
  return layer.halves == 1 ? gather_halves<1>(layer, strip) : gather_halves<2>(layer, strip);
}

}  // namespace
}  // namespace sramsim::matrix_unit
