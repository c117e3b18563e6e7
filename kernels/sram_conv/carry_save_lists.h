// Row lists: which rows of a row group a window's activations select, bit by bit. Part of
// carry_save_kernel.h.
//
// Simd supplies entries, append, end_list, and kShifts: whether it makes use of ShiftForm.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include "kernels/core/macros.h"
#include "kernels/sram_conv/carry_save.h"

namespace sramsim::carry_save {
namespace {

/// One conversion of all columns: the set rows of one window, row group and activation bit.
struct Unit {
  uint64_t word;  ///< one word, so that units are copied and changed without touching memory in parts

  static Unit make(int64_t list, int rows, int bit) {
    return {static_cast<uint64_t>(list) << 32 | static_cast<uint64_t>(rows) << 16 |
            static_cast<uint64_t>(bit)};
  }
  Unit of_group(int place) const { return {word | static_cast<uint64_t>(place) << 8}; }
  int64_t list() const { return static_cast<int64_t>(word >> 32); }  ///< entries from the strip's first list
  int rows() const { return static_cast<int>(word >> 16 & 0xFFFF); }
  int place() const { return static_cast<int>(word >> 8 & 0xFF); }  ///< kFamilyWidth * down + right
  int bit() const { return static_cast<int>(word & 0xFF); }         ///< of the half
};

/// The set rows of one window and row group, of any kind: a tile.
struct Tile {
  int rows[kMaxBits];        ///< set rows per activation bit
  uint32_t bound[kMaxBits];  ///< largest possible partial sum per digit
  uint32_t live;             ///< digits that can give a nonzero code
};

/// The tiles of a family of row groups and a rectangle of output pixels: pixel (y, x) of the rectangle has
/// tile (y + down, x + right) in the group that lies so far from the family's first.
struct Block {
  static constexpr int kMaxTiles = (kMaxStrip + kFamilyHeight - 1) * kFamilyWidth;
  int row, column;  ///< of the strip
  Extent extent;
  int tile_columns;
  /// Of common groups: the units that can give a nonzero code, and per row of tiles a bit for each that has
  /// one.
  uint32_t live[kMaxHalves][kMaxStrip + kFamilyHeight - 1];
  uint8_t unit_count[kMaxHalves][kMaxTiles];
  Unit units[kMaxHalves][kMaxTiles][4];
  /// Where Simd::kShifts, each bit's unit has a place of its own instead, and a bit for each that is live.
  /// How many are, and how many of them have more rows than ShiftForm::tried.
  uint32_t live_of_bit[kMaxHalves][kMaxStrip + kFamilyHeight - 1][4];
  int live_units, long_units;
  /// Of others.
  Tile tiles[kMaxTiles];
};

/// Groups of one bit per digit, one piece and at most 255 rows.
inline bool is_common(const Layer& layer, const Group& group) {
  return layer.dac_bits == 1 && group.piece_end - group.piece_begin == 1 && group.rows < 256;
}

/// Rows that are always set, at the start of the lists of common groups.
template <class Simd>
SRAMSIM_INLINE int always_set(const Layer& layer) {
  return Simd::kShifts ? layer.form.ones : 0;
}

/// Lists the set rows of one piece and bit; returns the end of the list.
template <class Simd>
[[gnu::always_inline]] inline uint16_t* collect_bit(const Layer& layer, const Piece& piece,
                                                    const uint8_t* plane, uint16_t* list) {
  for (int k = piece.run_begin; k < piece.run_end; ++k) {
    const Run& run = layer.runs[k];
    uint64_t word;
    std::memcpy(&word, plane + run.offset, sizeof word);
    const uint32_t set = static_cast<uint32_t>(word >> run.shift) & run.mask;
    Simd::append(Simd::entries(run), set, list);
    list += std::popcount(set);
  }
  return list;
}

/// Lists the set rows of one piece for every bit of `bits`: n[bit] entries at lists + bit*stride, and zero
/// rows behind them.
template <class Simd>
[[gnu::always_inline]] inline void collect_piece(const Layer& layer, const Piece& piece,
                                                 const uint8_t* window, uint32_t bits, uint16_t* lists,
                                                 int* n) {
  std::fill_n(n, kMaxBits, 0);
  const uint8_t* plane = window;
  for (int bit = 0; bit < layer.act_bits; ++bit, plane += layer.plane_bytes, lists += layer.list_stride) {
    uint16_t* list = bits >> bit & 1 ? collect_bit<Simd>(layer, piece, plane, lists) : lists;
    Simd::end_list(list);
    n[bit] = static_cast<int>(list - lists);
  }
}

/// Activation bits that some row of the group may have.
inline uint32_t bits_set(const Layer& layer, const Group& group, const uint8_t* window) {
  uint32_t bits = (1u << layer.act_bits) - 1;
  if (group.any_offset >= 0)
    std::memcpy(&bits, window + group.any_offset + offsetof(PixelHeader, any), sizeof bits);
  return bits;
}

/// Tile (y, x) of a common group, its lists, each after the rows that are always set, from `list` on; returns
/// where the next one may begin.
template <class Simd>
[[gnu::always_inline]] inline int64_t collect_units(const Layer& layer, const Group& group,
                                                    const uint8_t* window, const Strip& strip, int64_t list,
                                                    int y, int x, Block& block) {
  const int t = y * block.tile_columns + x;
  const uint32_t bits = bits_set(layer, group, window);
  const Piece& piece = layer.pieces[group.piece_begin];
  const uint8_t* plane = window;
  for (int half = 0, bit = 0; half < layer.halves; ++half) {
    int count = 0;
    if (bits != 0 || layer.first == 0)
      for (const int end_bit = std::min(bit + 4, layer.act_bits); bit < end_bit;
           ++bit, plane += layer.plane_bytes) {
        uint16_t* const begin = strip.lists + list + always_set<Simd>(layer);
        if constexpr (Simd::kShifts) std::memcpy(strip.lists + list, layer.ones, sizeof layer.ones);
        uint16_t* const end = bits >> bit & 1 ? collect_bit<Simd>(layer, piece, plane, begin) : begin;
        const auto rows = static_cast<uint32_t>(end - begin);
        Simd::end_list(end);
        // Without branches: whether a unit is live is anybody's guess. The next list overwrites a dead one.
        block.units[half][t][Simd::kShifts ? bit % 4 : count] =
            Unit::make(list, static_cast<int>(rows), bit % 4);
        const bool live = rows >= layer.first;
        count += live;
        list += -int64_t{live} &
                ((always_set<Simd>(layer) + rows + kListEnd + kListAlign - 1) & -int64_t{kListAlign});
        if constexpr (Simd::kShifts) {
          block.live_of_bit[half][y][bit % 4] |= static_cast<uint32_t>(live) << x;
          block.long_units += static_cast<int>(rows) > layer.form.tried;
        }
      }
    if constexpr (Simd::kShifts)
      block.live_units += count;
    else
      block.unit_count[half][t] = static_cast<uint8_t>(count);
    block.live[half][y] |= static_cast<uint32_t>(count != 0) << x;
  }
  return list;
}

/// A list holds its pieces one after another, each from a multiple of kPieceRows + kListPadding;
/// piece_rows[piece][bit] receives their lengths if there are several.
template <class Simd>
[[gnu::always_inline]] inline void collect_tile(const Layer& layer, const Group& group, const uint8_t* window,
                                                uint16_t* lists, int32_t* piece_rows, Tile& tile) {
  const uint32_t bits = bits_set(layer, group, window);
  tile.live = 0;
  if (bits == 0 && layer.first > 0) return;
  collect_piece<Simd>(layer, layer.pieces[group.piece_begin], window, bits, lists, tile.rows);
  if (piece_rows) std::copy_n(tile.rows, kMaxBits, piece_rows);
  for (int k = group.piece_begin + 1; k < group.piece_end; ++k) {
    lists += kPieceRows + kListPadding;
    piece_rows += kMaxBits;
    collect_piece<Simd>(layer, layer.pieces[k], window, bits, lists, piece_rows);
    for (int bit = 0; bit < kMaxBits; ++bit) tile.rows[bit] += piece_rows[bit];
  }
  for (int i = 0, bit = 0; i < layer.digits; ++i) {
    uint32_t bound = 0;
    for (int t = 0; t < layer.dac_bits && bit < layer.act_bits; ++t, ++bit)
      bound += static_cast<uint32_t>(tile.rows[bit]) << t;
    tile.bound[i] = bound;
    tile.live |= static_cast<uint32_t>(bound >= layer.first) << i;
  }
}

/// Lists are made for a block of pixels before any of them is converted: their lengths are known long before
/// the loops over them end, and no load waits for half-overwritten stores.
template <class Simd>
[[gnu::noinline]] void collect_block(const Layer& layer, const Strip& strip, const Family& family,
                                     Block& block) {
  const Group& group = layer.groups[family.group_begin];
  const int pieces = group.piece_end - group.piece_begin;
  const int rows = block.extent.rows + family.height - 1;
  block.tile_columns = block.extent.columns + family.width - 1;
  std::memset(block.live, 0, sizeof block.live);
  if constexpr (Simd::kShifts) {
    std::memset(block.live_of_bit, 0, sizeof block.live_of_bit);
    block.live_units = block.long_units = 0;
  }
  const uint8_t* row = nullptr;
  int64_t list = 0;
  for (int y = 0, t = 0; y < rows; ++y) {
    row = y < block.extent.rows ? strip.window[block.row + y] + block.column * layer.step
                                : row + layer.row_step;
    for (int x = 0; x < block.tile_columns; ++x, ++t) {
      const uint8_t* window = row + x * layer.step;
      if (is_common(layer, group)) {
        list = collect_units<Simd>(layer, group, window, strip, list, y, x, block);
      } else {
        collect_tile<Simd>(layer, group, window, strip.lists + t * layer.tile_lists,
                           pieces > 1 ? strip.piece_rows + t * pieces * kMaxBits : nullptr, block.tiles[t]);
      }
    }
  }
}

}  // namespace
}  // namespace sramsim::carry_save
