// Row lists: which rows of a row group a window's activations select, bit by bit. Part of
// carry_save_kernel.h.
//
// Simd supplies entries, append and end_list.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include "kernels/sram_conv/carry_save.h"

namespace sramsim::carry_save {
namespace {

/// The set rows of one window and row group: a tile.
struct Tile {
  int rows[kMaxBits];        ///< set rows per activation bit
  uint32_t bound[kMaxBits];  ///< largest possible partial sum per digit
  uint32_t live;             ///< digits that can give a nonzero code
};

/// The tiles of a family of row groups and a few pixels: pixel first + x of the strip has tile x + m in group
/// m.
struct Block {
  static constexpr int kMaxTiles = kMaxStrip + kMaxFamily - 1;
  int first, pixels;
  int members;
  Tile tiles[kMaxTiles];
  int live_tiles;
  uint8_t live_tile[kMaxTiles];
};

/// Lists the set rows of one piece for every bit of `bits`: n[bit] entries at lists + bit*stride, and zero
/// rows behind them.
template <class Simd>
[[gnu::always_inline]] inline void collect_piece(const Layer& layer, const Piece& piece,
                                                 const uint8_t* window, uint32_t bits, uint16_t* lists,
                                                 int* n) {
  std::fill_n(n, kMaxBits, 0);
  const uint8_t* plane = window;
  for (int bit = 0; bit < layer.act_bits; ++bit, plane += layer.plane_bytes, lists += layer.list_stride) {
    uint16_t* list = lists;
    if (bits >> bit & 1)
      for (int k = piece.run_begin; k < piece.run_end; ++k) {
        const Run& run = layer.runs[k];
        uint64_t word;
        std::memcpy(&word, plane + run.offset, sizeof word);
        const uint32_t set = static_cast<uint32_t>(word >> run.shift) & run.mask;
        Simd::append(Simd::entries(run), set, list);
        list += std::popcount(set);
      }
    Simd::end_list(list);
    n[bit] = static_cast<int>(list - lists);
  }
}

/// A list holds its pieces one after another, each from a multiple of kPieceRows + kListPadding;
/// piece_rows[piece][bit] receives their lengths if there are several.
template <class Simd>
[[gnu::always_inline]] inline void collect_tile(const Layer& layer, const Group& group, const uint8_t* window,
                                                uint16_t* lists, int32_t* piece_rows, Tile& tile) {
  uint32_t bits = (1u << layer.act_bits) - 1;
  tile.live = 0;
  if (group.any_offset >= 0) {
    std::memcpy(&bits, window + group.any_offset + offsetof(PixelHeader, any), sizeof bits);
    if (bits == 0 && layer.first > 0) return;
  }
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
[[gnu::noinline]] void collect_block(const Layer& layer, const Strip& strip, const Group& group,
                                     Block& block) {
  const int pieces = group.piece_end - group.piece_begin;
  const uint8_t* window = nullptr;
  const int tiles = block.pixels + block.members - 1;
  block.live_tiles = 0;
  for (int x = 0; x < tiles; ++x) {
    window = x < block.pixels ? strip.window[block.first + x] : window + layer.pixel_bytes;
    collect_tile<Simd>(layer, group, window, strip.lists + x * layer.tile_lists,
                       pieces > 1 ? strip.piece_rows + x * pieces * kMaxBits : nullptr, block.tiles[x]);
    block.live_tile[block.live_tiles] = static_cast<uint8_t>(x);
    block.live_tiles += block.tiles[x].live != 0;
  }
}

}  // namespace
}  // namespace sramsim::carry_save
