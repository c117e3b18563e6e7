// Packing of weight codes that are already on the device, in the form of kernels/elementwise/elements.h: the
// units of pack_weight_codes(), one call each.
#pragma once

#include <cstddef>

#include "kernels/core/macros.h"
#include "kernels/sram_conv/sram_args_cuda.h"

namespace sramsim::elements {

/// units [o tile][position][unit][o in tile] <- codes [O,position,C]; zero beyond the shape.
struct PackWeightCodes {
  static constexpr const char* kName = "pack_weight_codes";
  const int8_t* codes;
  int o, positions, c;
  int tile_o;
  int units;  ///< per position: code_units(c)
  Unit* packed;
  size_t calls() const { return static_cast<size_t>((o + tile_o - 1) / tile_o) * tile_o * positions * units; }
  SRAMSIM_HD void operator()(size_t call) const {
    const int in_tile = static_cast<int>(call % tile_o);
    size_t row = call / tile_o;
    const int unit = static_cast<int>(row % units);
    row /= units;
    const int position = static_cast<int>(row % positions);
    const int channel = static_cast<int>(row / positions) * tile_o + in_tile;
    Unit result{};
    const int first = unit * cuda::kChannelsPerCodeUnit;
    const int8_t* from = codes + (static_cast<size_t>(channel) * positions + position) * c + first;
    for (int k = 0; k < cuda::kChannelsPerCodeUnit; ++k)
      if (channel < o && first + k < c)
        result.word[k / 4] |= static_cast<uint32_t>(static_cast<uint8_t>(from[k])) << (k % 4 * 8);
    packed[call] = result;
  }
};

}  // namespace sramsim::elements
