// The carry-save kernel over a strip of output pixels, written once for every vector width. Included only by
// the sources that are compiled for one instruction set; everything is in their unnamed namespace, so that
// the linker cannot mix code of two instruction sets.
//
// Beside what the headers of its parts ask for, Simd supplies add_shifted (a + b * 2^shift in every int32
// lane, modulo 2^32).
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels/sram_conv/carry_save_shift.h"
#include "kernels/sram_conv/write_outputs_impl.h"

namespace sramsim::carry_save {
namespace {

/// A tile of any kind.
struct WideTile {
  const Group& group;
  const Tile& tile;
  const uint16_t* lists;
  const int32_t* piece_rows;
};

/// Counts one digit of any width over any number of pieces: Horner over its bits, planes shifted in between.
template <class Simd>
void count_wide_digit(const Layer& layer, const WideTile& wide, int vector, int digit,
                      typename Simd::Vector* planes) {
  const int pieces = wide.group.piece_end - wide.group.piece_begin;
  const int first_bit = digit * layer.dac_bits;
  const int end_bit = std::min(first_bit + layer.dac_bits, layer.act_bits);
  const int levels = std::max(7, static_cast<int>(std::bit_width(wide.tile.bound[digit])));
  for (int k = 0; k < kPlanes<Range::kWide>; ++k) planes[k] = Simd::zero();
  for (int bit = end_bit - 1; bit >= first_bit; --bit) {
    for (int k = levels - 1; k > 0; --k) planes[k] = planes[k - 1];
    planes[0] = Simd::zero();
    const uint16_t* list = wide.lists + bit * layer.list_stride;
    for (int k = 0; k < pieces; ++k, list += kPieceRows + kListPadding) {
      const Piece& piece = layer.pieces[wide.group.piece_begin + k];
      const int n = wide.piece_rows ? wide.piece_rows[k * kMaxBits + bit] : wide.tile.rows[bit];
      add_rows(Rows<Simd>{piece_weights<Simd>(layer, piece, vector), list}, n, planes, levels);
    }
  }
}

template <class Simd, Range kRange>
void convert_wide_digit(const Layer& layer, const typename Simd::Vector* planes, uint32_t bound,
                        const Target& target) {
  typename Simd::Vector used[kPlanes<kRange>];
  std::copy_n(planes, kPlanes<kRange>, used);
  convert<Simd, kRange>(layer, used, bound, target);
}

template <class Simd>
[[gnu::noinline]] void convert_wide_tile(const Layer& layer, const WideTile& wide, int32_t* pixel_acc) {
  for (int vector = 0; vector < layer.vectors; ++vector)
    for (uint32_t live = wide.tile.live; live; live &= live - 1) {
      const int i = std::countr_zero(live), weight = i * layer.dac_bits;
      typename Simd::Vector planes[kPlanes<Range::kWide>];
      count_wide_digit<Simd>(layer, wide, vector, i, planes);
      const Target target{layer.dots[vector][weight % 4],
                          accumulators<Simd>(layer, pixel_acc, weight / 4, vector),
                          table_stride<Simd>(layer)};
      const uint32_t bound = wide.tile.bound[i];
      if (bound < 16)
        convert_wide_digit<Simd, Range::kNibble>(layer, planes, bound, target);
      else if (bound < 256)
        convert_wide_digit<Simd, Range::kEight>(layer, planes, bound, target);
      else if (Simd::kHasChunked && bound < 4096)
        convert_wide_digit<Simd, Range::kChunked>(layer, planes, bound, target);
      else
        convert_wide_digit<Simd, Range::kWide>(layer, planes, bound, target);
    }
}

template <class Simd>
void convert_wide_block(const Layer& layer, const Strip& strip, const Group& group, const Block& block) {
  const int pieces = group.piece_end - group.piece_begin;
  for (int y = 0; y < block.extent.rows; ++y)
    for (int x = 0; x < block.extent.columns; ++x) {
      const int t = (y + group.down) * block.tile_columns + x + group.right;
      if (!block.tiles[t].live) continue;
      const WideTile wide{group, block.tiles[t], strip.lists + t * layer.tile_lists,
                          pieces > 1 ? strip.piece_rows + t * pieces * kMaxBits : nullptr};
      const int pixel = (block.row + y) * strip.extent.columns + block.column + x;
      convert_wide_tile<Simd>(layer, wide, strip.acc + pixel * layer.strip_acc);
    }
}

/// sums[o] = the integer shift-add of ADC table `output`, from the accumulators of one output pixel.
template <class Simd>
void gather_sums(const Layer& layer, const int32_t* acc, int output, int32_t* sums) {
  constexpr int kLanes = Simd::kLanes;
  const int blocks = (layer.outputs + kLanes - 1) / kLanes;
  std::memset(sums, 0, static_cast<size_t>(blocks * kLanes) * sizeof *sums);
  const int64_t half_stride = int64_t{layer.vectors} * kCells * kLanes;
  for (int t = 0; t < layer.table_count; ++t) {
    if (layer.tables[t].output != output) continue;
    for (int half = 0; half < layer.halves; ++half) {
      const int32_t* from = acc + (int64_t{t} * layer.halves + half) * half_stride;
      for (int block = 0; block < blocks; ++block)
        for (int quad = 0; quad < layer.quads; ++quad, from += kLanes) {
          int32_t* to = sums + block * kLanes;
          const int shift = layer.tables[t].shift + 4 * half + layer.quad_shift[quad];
          Simd::store(to, Simd::add_shifted(Simd::load(to), Simd::load(from), shift));
        }
    }
  }
}

inline int32_t window_sum(const Layer& layer, const uint8_t* window) {
  int32_t sum = 0;
  for (int k = 0; k < layer.positions; ++k) {
    PixelHeader header;
    std::memcpy(&header, window + layer.position_offset[k], sizeof header);
    sum += header.sum;
  }
  return sum;
}

inline bool all_zero(const int32_t* values, int64_t n) {
  int32_t any = 0;
  for (int64_t k = 0; k < n; ++k) any |= values[k];
  return any == 0;
}

/// Gives output pixel `to` the outputs of `from`.
inline void copy_outputs(const Layer& layer, const Strip& strip, int64_t from, int64_t to) {
  const auto copy = [&](auto* values) {
    if (values) std::copy_n(values + from * layer.outputs, layer.outputs, values + to * layer.outputs);
  };
  for (int t = 0; t < layer.output_count; ++t) {
    copy(strip.outputs[t].to.s);
    copy(strip.outputs[t].to.y);
  }
}

/// Output pixels that saw no code are all alike: the background of an image costs a copy.
template <class Simd>
void finish_strip(const Layer& layer, const Strip& strip) {
  const int64_t table_acc = table_stride<Simd>(layer);
  const int32_t* acc = strip.acc;
  int64_t blank = -1;
  for (int y = 0; y < strip.extent.rows; ++y)
    for (int x = 0; x < strip.extent.columns; ++x, acc += layer.strip_acc) {
      const int64_t pixel = strip.first_pixel + y * strip.row_pixels + x;
      const int32_t sum = layer.offset ? window_sum(layer, strip.window[y] + x * layer.step) : 0;
      const bool is_blank = sum == 0 && all_zero(acc, layer.strip_acc);
      if (is_blank && blank >= 0) {
        copy_outputs(layer, strip, blank, pixel);
        continue;
      }
      if (is_blank) blank = pixel;
      for (int t = 0; t < layer.output_count; ++t) {
        const int32_t* sums = strip.sums;
        if (layer.accumulators_are_sums)
          sums = acc + t * table_acc;
        else
          gather_sums<Simd>(layer, acc, t, strip.sums);
        write_outputs(strip.outputs[t], ChannelSums{sums, layer.steps[t], layer.offset, sum},
                      {pixel * layer.outputs, 0, layer.outputs});
      }
    }
}

/// Rows of the strip from `first` on, `most` at most, whose windows lie below each other, as a family needs
/// them.
inline int rows_in_image(const Layer& layer, const Strip& strip, int first, int most) {
  int end = first + 1;
  while (end < first + most && strip.window[end] == strip.window[end - 1] + layer.row_step) ++end;
  return end - first;
}

/// Families outside, pixels inside: the row vectors of some groups serve all pixels of a block.
template <class Simd>
void convolve_strip(const Layer& layer, const Strip& strip) {
  const int64_t pixels = int64_t{strip.extent.rows} * strip.extent.columns;
  std::memset(strip.acc, 0, static_cast<size_t>(pixels * layer.strip_acc) * sizeof *strip.acc);
  Block block;
  for (int f = 0; f < layer.family_count; ++f) {
    const Family& family = layer.families[f];
    for (block.row = 0; block.row < strip.extent.rows; block.row += block.extent.rows) {
      block.extent.rows = std::min(strip.block.rows, strip.extent.rows - block.row);
      if (family.height > 1) block.extent.rows = rows_in_image(layer, strip, block.row, block.extent.rows);
      for (block.column = 0; block.column < strip.extent.columns; block.column += block.extent.columns) {
        block.extent.columns = std::min(strip.block.columns, strip.extent.columns - block.column);
        collect_block<Simd>(layer, strip, family, block);
        if (is_common(layer, layer.groups[family.group_begin]))
          convert_common_family<Simd>(layer, strip, family, block);
        else
          for (int g = family.group_begin; g < family.group_end; ++g)
            convert_wide_block<Simd>(layer, strip, layer.groups[g], block);
      }
    }
  }
  finish_strip<Simd>(layer, strip);
}

}  // namespace
}  // namespace sramsim::carry_save
