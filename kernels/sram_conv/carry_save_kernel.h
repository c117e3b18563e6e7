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
#include "kernels/sram_conv/write_outputs_impl.h"

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

/// Some groups of a common family, by kFamilyWidth * down + right.
struct Members {
  static constexpr int kPlaces = kFamilyHeight * kFamilyWidth;
  int top, bottom;                  ///< rows of kernel positions from `top` to before `bottom`
  uint8_t columns[kFamilyHeight];   ///< of each row, a bit for every group
  int32_t tile[kPlaces];            ///< from the tile of the family's first group
  const uint8_t* weights[kPlaces];  ///< of one row vector
};
static_assert(Members::kPlaces <= 32 && kMaxStrip + kFamilyWidth <= 32,
              "places and columns are bits of one word");

/// The pixels of row y of the block that have a live unit, one bit each.
inline uint32_t live_pixels(const Block& block, const Members& members, int y, int half) {
  uint32_t pixels = 0;
  for (int down = members.top; down < members.bottom; ++down)
    for (uint32_t columns = members.columns[down]; columns; columns &= columns - 1)
      pixels |= block.live[half][y + down] >> std::countr_zero(columns);
  return pixels & ((1u << block.extent.columns) - 1);
}

/// The live units of pixel (y, x) of the block.
inline int gather_units(const Block& block, const Members& members, int y, int x, int half, Unit* units) {
  uint32_t live = 0;
  for (int down = members.top; down < members.bottom; ++down)
    live |= (block.live[half][y + down] >> x & members.columns[down]) << kFamilyWidth * down;
  int count = 0;
  for (; live; live &= live - 1) {
    const int place = std::countr_zero(live);
    const int t = y * block.tile_columns + x + members.tile[place];
    for (int k = 0; k < 4; ++k) units[count + k] = block.units[half][t][k].of_group(place);
    count += block.unit_count[half][t];
  }
  return count;
}

/// The accumulators of a pixel stay in registers for all members.
template <class Simd, bool kOneTable>
[[gnu::noinline]] void convert_members(const Layer& layer, const Strip& strip, const Block& block,
                                       const Members& members, int vector) {
  Unit units[4 * Members::kPlaces];
  for (int y = 0; y < block.extent.rows; ++y)
    for (int half = 0; half < layer.halves; ++half)
      for (uint32_t pixels = live_pixels(block, members, y, half); pixels; pixels &= pixels - 1) {
        const int x = std::countr_zero(pixels);
        const int pixel = (block.row + y) * strip.extent.columns + block.column + x;
        const int count = gather_units(block, members, y, x, half, units);
        int32_t* memory = accumulators<Simd>(layer, strip.acc + pixel * layer.strip_acc, half, vector);
        [[maybe_unused]] Accumulators<Simd> acc;
        if constexpr (kOneTable) acc.load(memory);
        for (int k = 0; k < count; ++k) {
          const Unit unit = units[k];
          const int n = unit.rows();
          const uint32_t* dots = layer.dots[vector][unit.bit()];
          const Rows<Simd> rows{members.weights[unit.place()], strip.lists + unit.list()};
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

template <class Simd>
void convert_common_family(const Layer& layer, const Strip& strip, const Family& family, const Block& block) {
  Members members;
  for (int begin = family.group_begin, end; begin < family.group_end; begin = end) {
    end = std::min(begin + layer.members_together, family.group_end);
    for (int vector = 0; vector < layer.vectors; ++vector) {
      members.top = kFamilyHeight, members.bottom = 0;
      std::memset(members.columns, 0, sizeof members.columns);
      for (int g = begin; g < end; ++g) {
        const Group& group = layer.groups[g];
        const int place = kFamilyWidth * group.down + group.right;
        members.top = std::min(members.top, group.down);
        members.bottom = std::max(members.bottom, group.down + 1);
        members.columns[group.down] |= static_cast<uint8_t>(1 << group.right);
        members.tile[place] = group.down * block.tile_columns + group.right;
        members.weights[place] = piece_weights<Simd>(layer, layer.pieces[group.piece_begin], vector);
      }
      if (layer.table_count == 1)
        convert_members<Simd, true>(layer, strip, block, members, vector);
      else
        convert_members<Simd, false>(layer, strip, block, members, vector);
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
