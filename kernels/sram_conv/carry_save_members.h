// Common groups: one bit a digit, their lists shared by the kernel positions that hold the same channels.
// Part of carry_save_kernel.h.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels/sram_conv/carry_save_convert.h"
#include "kernels/sram_conv/carry_save_lists.h"

namespace sramsim::carry_save {
namespace {

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

/// The places of pixel (y, x) of the block that have a live unit, for each bit.
struct LivePlaces {
  uint32_t of_bit[4] = {};
  SRAMSIM_INLINE LivePlaces(const Block& block, const Members& members, int y, int x, int half) {
    for (int down = members.top; down < members.bottom; ++down)
      for (int bit = 0; bit < 4; ++bit)
        of_bit[bit] |= (block.live_of_bit[half][y + down][bit] >> x & members.columns[down])
                       << kFamilyWidth * down;
  }
};

/// The live units of pixel (y, x) of the block.
template <class Simd>
int gather_units(const Block& block, const Members& members, int y, int x, int half, Unit* units) {
  const int tile = y * block.tile_columns + x;
  int count = 0;
  if constexpr (Simd::kShifts) {
    const LivePlaces live(block, members, y, x, half);
    for (int bit = 0; bit < 4; ++bit)
      for (uint32_t places = live.of_bit[bit]; places; places &= places - 1) {
        const int place = std::countr_zero(places);
        units[count++] = block.units[half][tile + members.tile[place]][bit].of_group(place);
      }
  } else {
    uint32_t live = 0;
    for (int down = members.top; down < members.bottom; ++down)
      live |= (block.live[half][y + down] >> x & members.columns[down]) << kFamilyWidth * down;
    for (; live; live &= live - 1) {
      const int place = std::countr_zero(live), t = tile + members.tile[place];
      for (int k = 0; k < 4; ++k) units[count + k] = block.units[half][t][k].of_group(place);
      count += block.unit_count[half][t];
    }
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
        const int count = gather_units<Simd>(block, members, y, x, half, units);
        int32_t* memory = accumulators<Simd>(layer, strip.acc + pixel * layer.strip_acc, half, vector);
        [[maybe_unused]] Accumulators<Simd> acc;
        if constexpr (kOneTable) acc.load(memory);
        for (int k = 0; k < count; ++k) {
          const Unit unit = units[k];
          const int n = unit.rows();
          const uint32_t* dots = layer.dots[vector][unit.bit()];
          const Rows<Simd> rows{members.weights[unit.place()],
                                strip.lists + unit.list() + always_set<Simd>(layer)};
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

}  // namespace
}  // namespace sramsim::carry_save
