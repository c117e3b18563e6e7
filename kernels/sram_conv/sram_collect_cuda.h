// Collected operands of the warpgroup kernels: where a row group lies in many kernel positions (or windows do
// not slide pixel by pixel), the bits of its rows are first moved next to each other, tile by tile in shared
// memory, so that one product has them all. The order of rows within a group does not matter to a partial
// sum: pieces of the words of a window, each masked and rotated, are laid where there is room.
#pragma once

#include <vector>

#include "kernels/sram_conv/sram_args_cuda.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim::cuda {

/// One row of a group: its kernel position and channel, and its bit of a pixel's collected words.
struct CollectedRow {
  int position, channel, bit;
};

struct CollectedGroup {
  int first_word = 0, words = 0;  ///< 32 rows each, but the last; within one unit where that is possible
  std::vector<CollectedRow> rows;
  int first_unit() const { return first_word / 4; }
  int units() const { return (first_word + words - 1) / 4 - first_unit() + 1; }
};

struct CollectPlan {
  int units = 0;  ///< of a pixel
  std::vector<CollectedGroup> groups;
  std::vector<Piece> pieces;  ///< in the order of their target words
};

CollectPlan collect_rows(const SramConvSpec& spec);

}  // namespace sramsim::cuda
