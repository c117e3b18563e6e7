// The carry-save kernel over a strip of output pixels, written once for every vector width. Included only by
// the sources that are compiled for one instruction set; everything is in their unnamed namespace, so that
// the linker cannot mix code of two instruction sets.
//
// Beside what carry_save_count.h and carry_save_lists.h ask for, Simd supplies kLanes, store, make_index
// (counter planes -> index bytes), add_codes (index bytes -> table -> dot product) and add_shifted (a + b *
// 2^shift in every int32 lane, modulo 2^32).
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels/sram_conv/carry_save.h"
#include "kernels/sram_conv/carry_save_count.h"
#include "kernels/sram_conv/carry_save_lists.h"

namespace sramsim::carry_save {
namespace {

/// How partial sums of a given bound are looked up; kPlanes counter planes hold them.
enum class Range {
  kNibble,   ///< P < 16
  kSix,      ///< P < 64
  kSeven,    ///< P < 128
  kEight,    ///< P < 256
  kChunked,  ///< P < 4096: 128 entries at a time
  kWide,     ///< any P
};
template <Range kRange>
inline constexpr int kPlanes = kRange == Range::kNibble    ? 4
                               : kRange == Range::kSix     ? 6
                               : kRange == Range::kSeven   ? 7
                               : kRange == Range::kEight   ? 8
                               : kRange == Range::kChunked ? 12
                                                           : 24;

template <class Simd>
struct Accumulators {
  typename Simd::Vector v[kCells];
  SRAMSIM_INLINE void load(const int32_t* from) {
#pragma GCC unroll 8
    for (int r = 0; r < kCells; ++r) v[r] = Simd::load(from + r * Simd::kLanes);
  }
  SRAMSIM_INLINE void store(int32_t* to) const {
#pragma GCC unroll 8
    for (int r = 0; r < kCells; ++r) Simd::store(to + r * Simd::kLanes, v[r]);
  }
};

/// Where the codes of one digit go.
struct Target {
  const uint32_t* dots;  ///< [kCells] plane weights times 2^s of the digit
  int32_t* acc;          ///< of the first table, [kCells][lane]
  int64_t table_stride;  ///< int32 values from one table's accumulators to the next's
};

/// Looks partial sums up in every table and adds the codes to accumulators in memory.
template <class Simd, Range kRange>
SRAMSIM_INLINE void convert(const Layer& layer, const typename Simd::Vector (&planes)[kPlanes<kRange>],
                            uint32_t bound, const Target& target) {
  const auto index = Simd::template make_index<kRange>(planes);
  for (int t = 0; t < layer.table_count; ++t) {
    if (bound < layer.tables[t].first) continue;
    Accumulators<Simd> acc;
    acc.load(target.acc + t * target.table_stride);
    Simd::template add_codes<kRange>(index, layer.tables[t], bound, target.dots, acc.v);
    acc.store(target.acc + t * target.table_stride);
  }
}

/// As above for one table with the accumulators in registers.
template <class Simd, Range kRange>
SRAMSIM_INLINE void convert(const Layer& layer, const typename Simd::Vector (&planes)[kPlanes<kRange>],
                            uint32_t bound, const uint32_t* dots, Accumulators<Simd>& acc) {
  const auto index = Simd::template make_index<kRange>(planes);
  Simd::template add_codes<kRange>(index, layer.tables[0], bound, dots, acc.v);
}

/// Counts the n <= 255 rows of one digit (one bit, one piece) and hands (planes, range) to `use`.
template <class Simd, class Use>
SRAMSIM_INLINE void count_digit(const Rows<Simd>& row, int n, Use&& use) {
  using Vector = typename Simd::Vector;
  if (n < 16) {
    Vector p[kPlanes<Range::kNibble>];
    if (n < 8) {
      count_seven(row, p[0], p[1], p[2]);
      p[3] = Simd::zero();
    } else {
      count_fifteen(row, p[0], p[1], p[2], p[3]);
    }
    return use.template operator()<Range::kNibble>(p);
  }
  if constexpr (Simd::kHasSix)
    if (n < 64) {
      Vector p[kPlanes<Range::kSix>];
      count_rows<Simd>(row, n, p);
      return use.template operator()<Range::kSix>(p);
    }
  if (n < 128) {
    Vector p[kPlanes<Range::kSeven>];
    count_rows<Simd>(row, n, p);
    // Few columns have more than half of their weights set: no partial sum reaches 64 far more often than
    // not.
    if constexpr (Simd::kHasSix)
      if (Simd::is_zero(p[6])) {
        Vector six[kPlanes<Range::kSix>];
        std::copy_n(p, kPlanes<Range::kSix>, six);
        return use.template operator()<Range::kSix>(six);
      }
    return use.template operator()<Range::kSeven>(p);
  }
  Vector p[kPlanes<Range::kEight>];
  count_rows<Simd>(row, n, p);
  use.template operator()<Range::kEight>(p);
}

/// Address arithmetic of packed weights and accumulators.
template <class Simd>
const uint8_t* piece_weights(const Layer& layer, const Piece& piece, int vector) {
  return layer.weights + piece.weights + int64_t{vector} * (piece.rows + 1) * (4 * Simd::kLanes);
}
template <class Simd>
int32_t* accumulators(const Layer& layer, int32_t* pixel_acc, int half, int vector) {
  return pixel_acc + (int64_t{half} * layer.vectors + vector) * (kCells * Simd::kLanes);
}
template <class Simd>
int64_t table_stride(const Layer& layer) {
  return int64_t{layer.halves} * layer.vectors * (kCells * Simd::kLanes);
}

/// Groups of one bit per digit, one piece and at most 255 rows.
inline bool is_common(const Layer& layer, const Group& group) {
  return layer.dac_bits == 1 && group.piece_end - group.piece_begin == 1 && group.rows < 256;
}

/// The tiles of a common group, member m of its family.
template <class Simd, bool kOneTable>
[[gnu::noinline]] void convert_block(const Layer& layer, const Strip& strip, const Group& group, int m,
                                     const Block& block) {
  const Piece& piece = layer.pieces[group.piece_begin];
  const uint8_t *begin = block.live_tile, *end = begin + block.live_tiles;
  while (begin < end && *begin < m) ++begin;
  while (begin < end && end[-1] >= m + block.pixels) --end;
  for (int vector = 0; vector < layer.vectors; ++vector) {
    const uint8_t* base = piece_weights<Simd>(layer, piece, vector);
    for (const uint8_t* t = begin; t < end; ++t) {
      const Tile& tile = block.tiles[*t];
      const uint16_t* lists = strip.lists + *t * layer.tile_lists;
      int32_t* pixel_acc = strip.acc + (block.first + *t - m) * layer.strip_acc;
      for (int half = 0; half < layer.halves; ++half) {
        uint32_t live = tile.live >> (4 * half) & 15;
        if (!live) continue;
        int32_t* memory = accumulators<Simd>(layer, pixel_acc, half, vector);
        [[maybe_unused]] Accumulators<Simd> acc;
        if constexpr (kOneTable) acc.load(memory);
        for (; live; live &= live - 1) {
          const int s = std::countr_zero(live), i = 4 * half + s;
          const int n = tile.rows[i];
          const uint32_t* dots = layer.dots[vector][s];
          const Rows<Simd> rows{base, lists + i * layer.list_stride};
          count_digit<Simd>(rows, n, [&]<Range kRange>(auto& planes) {
            if constexpr (kOneTable)
              convert<Simd, kRange>(layer, planes, n, dots, acc);
            else
              convert<Simd, kRange>(layer, planes, n, Target{dots, memory, table_stride<Simd>(layer)});
          });
        }
        if constexpr (kOneTable) acc.store(memory);
      }
    }
  }
}

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
void convert_wide_block(const Layer& layer, const Strip& strip, const Group& group, int m,
                        const Block& block) {
  const int pieces = group.piece_end - group.piece_begin;
  for (int x = 0; x < block.pixels; ++x) {
    if (!block.tiles[x + m].live) continue;
    const WideTile wide{group, block.tiles[x + m], strip.lists + (x + m) * layer.tile_lists,
                        pieces > 1 ? strip.piece_rows + x * pieces * kMaxBits : nullptr};
    convert_wide_tile<Simd>(layer, wide, strip.acc + (block.first + x) * layer.strip_acc);
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

/// y or S of one output pixel; the operations of sram_conv.h in their order, over channels.
inline void write_outputs(const Layer& layer, const SramOutput& out, double step, const int32_t* sums,
                          int32_t window_sum, int64_t pixel) {
  const int64_t at = pixel * layer.outputs;
  const int n = layer.outputs;
  if (out.s)
    for (int o = 0; o < n; ++o) out.s[at + o] = sram_sum(sums[o], step, layer.offset, window_sum);
  if (!out.y) return;
  float* y = out.y + at;
  if (out.bias)
    for (int o = 0; o < n; ++o)
      y[o] = layer_output(sram_sum(sums[o], step, layer.offset, window_sum), out.act_scale, out.weight_scale,
                          out.bias[o], out.relu);
  else
    for (int o = 0; o < n; ++o)
      y[o] = layer_output(sram_sum(sums[o], step, layer.offset, window_sum), out.act_scale, out.weight_scale,
                          0.0f, out.relu);
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
    copy(strip.outputs[t].s);
    copy(strip.outputs[t].y);
  }
}

/// Output pixels that saw no code are all alike: the background of an image costs a copy.
template <class Simd>
void finish_strip(const Layer& layer, const Strip& strip) {
  const int64_t table_acc = table_stride<Simd>(layer);
  int64_t blank = -1;
  for (int x = 0; x < strip.pixels; ++x) {
    const int32_t* acc = strip.acc + x * layer.strip_acc;
    const int64_t pixel = strip.first_pixel + x;
    const int32_t sum = layer.offset ? window_sum(layer, strip.window[x]) : 0;
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
      write_outputs(layer, strip.outputs[t], layer.steps[t], sums, sum, pixel);
    }
  }
}

/// Pixels from `first` on whose windows lie side by side, as a family needs them.
inline int pixels_in_row(const Layer& layer, const Strip& strip, int first) {
  int end = first + 1;
  while (end < strip.pixels && strip.window[end] == strip.window[end - 1] + layer.pixel_bytes) ++end;
  return end - first;
}

/// Row groups outside, pixels inside: a group's row vectors stay in the first-level cache for a whole strip.
template <class Simd>
void convolve_strip(const Layer& layer, const Strip& strip) {
  std::memset(strip.acc, 0, static_cast<size_t>(strip.pixels * layer.strip_acc) * sizeof *strip.acc);
  for (int f = 0; f < layer.family_count; ++f) {
    const Group* groups = layer.groups + layer.families[f].group_begin;
    Block block;
    block.members = layer.families[f].group_end - layer.families[f].group_begin;
    for (block.first = 0; block.first < strip.pixels; block.first += block.pixels) {
      const int side_by_side =
          block.members > 1 ? pixels_in_row(layer, strip, block.first) : strip.pixels - block.first;
      block.pixels = std::min(strip.block_pixels, side_by_side);
      collect_block<Simd>(layer, strip, groups[0], block);
      for (int m = 0; m < block.members; ++m) {
        if (!is_common(layer, groups[m]))
          convert_wide_block<Simd>(layer, strip, groups[m], m, block);
        else if (layer.table_count == 1)
          convert_block<Simd, true>(layer, strip, groups[m], m, block);
        else
          convert_block<Simd, false>(layer, strip, groups[m], m, block);
      }
    }
  }
  finish_strip<Simd>(layer, strip);
}

}  // namespace
}  // namespace sramsim::carry_save
