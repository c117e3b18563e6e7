// The SRAM convolution on a matrix unit (AMX): partial sums as products of bytes.
//
// A byte holds two activation bits as b + 2^7 b', so that every element of a product of 16 windows' bytes and
// 16 channels' stored bits (of one weight plane) is P + 2^7 P': two exact partial sums, as long as neither
// exceeds 127. Two such products, for four activation bits, make a *couple*: four partial sums of one window
// and channel in 28 bits. They are spread to bytes and looked up in the converter's table, and a dot product
// with 1, 2, 4 and 8 times the weight of the plane adds the four codes.
//
// The work does not depend on how many bits are set: this is for dense activations. The windows of a strip
// are gathered once, in the order in which tiles are loaded, and meet all output channels.
//
// This header has plain data only: it is included by sources compiled for different instruction sets, so it
// must not define functions that the linker could share between them.
#pragma once

#include <cstdint>

#include "kernels/sram_conv/sram_conv.h"

namespace sramsim::matrix_unit {

inline constexpr int kWindows = 16;   ///< of a product
inline constexpr int kChannels = 16;  ///< output channels of a product
inline constexpr int kElements = kWindows * kChannels;
inline constexpr int kSliceRows = 64;  ///< rows of a product; a longer group is cut into slices
inline constexpr int kMaxSlices = 2;
inline constexpr int kFieldBits = 7;  ///< of a partial sum in a product
inline constexpr int kMaxPartialSum = (1 << kFieldBits) - 1;
inline constexpr int kHalfBits = 4;  ///< activation bits of a couple
inline constexpr int kTileBytes = 1024;

/// Weight planes of similar weight times one half of the activation bits: their sums are added as they are.
struct Pass {
  int half;
  int planes;
  int shift;  ///< of the sums
  const uint32_t*
      dots;  ///< per plane: weight / 2^shift times 1, 2, 4, 8 (0 for bits that codes lack), as bytes
  /// Tiles [channel block][group][plane][slice], each [row / 4][channel][row % 4].
  const uint8_t* weights;
};

/// The operand of LDTILECFG.
struct alignas(64) TileConfig {
  uint8_t palette, start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};

/// Rows of one group that are neighbouring channels of one kernel position.
struct Run {
  int down, right;    ///< kernel position ...
  bool new_position;  ///< ... unlike that of the run before
  int channel;        ///< of the first row
  int rows;           ///< at most kSliceRows
  int64_t place;  ///< bytes from a block's first tile to the run's first row in the first window, for the low
                  ///< pair of the first half
};

/// A layer packed for the matrix unit.
struct Layer {
  int c, h, w, stride, padding;  ///< of the input ...
  int o, out_h, out_w;           ///< ... and of the output
  int halves;
  int groups;
  int slices;  ///< of every group
  int depth;   ///< bytes of one window in a tile of activations
  const Run* runs;
  int run_count;
  /// Activations of 16 windows: tiles [half][group][low and high pair][slice], each [window][depth].
  int64_t half_bytes, block_bytes;
  int slice_bytes;

  const Pass* passes;
  int pass_count;
  TileConfig tiles;

  alignas(64) uint8_t table[1 << kFieldBits];
  bool long_table;  ///< some partial sum may exceed 63

  double step;
  int32_t offset;  ///< offset_weight() of the encoding
};

/// Some windows times some output channels, and the thread's buffers.
struct Strip {
  const uint8_t* q;                ///< [N,H,W,C]
  int64_t first_pixel, end_pixel;  ///< flat indices of output pixels
  int first_channel_block, end_channel_block;
  const SramOutput* output;
  uint8_t* activations;  ///< [block][Layer::block_bytes]
  int32_t* window_sums;  ///< [block][kWindows]
  int32_t* acc;          ///< [block][kElements]
  int32_t* sums;         ///< [block][kElements]
};

/// The kernel compiled for AMX; null where the compiler cannot build it.
using ConvolveStrip = void (*)(const Layer& layer, const Strip& strip);
extern const ConvolveStrip kAmxConvolveStrip;

}  // namespace sramsim::matrix_unit
