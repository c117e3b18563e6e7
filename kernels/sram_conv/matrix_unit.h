// The SRAM convolution on a matrix unit (AMX): partial sums as products of bytes.
//
// A byte holds two activation bits as b + 2^7 b', so that every element of a product of 16 windows' bytes and
// 16 channels' stored bits (of one weight plane) is P + 2^7 P': two exact partial sums, as long as neither
// exceeds 127. Two such products, for four activation bits, make a *couple*: four partial sums of one window
// and channel in 28 bits. They are spread to bytes and looked up in the converter's table, and a dot product
// with 1, 2, 4 and 8 times the weight of the plane adds the four codes.
//
// The work does not depend on how many bits are set: this is for dense activations. The windows of a strip
// are gathered once and meet all output channels.
//
// This header has plain data only: it is included by sources compiled for different instruction sets, so it
// must not define functions that the linker could share between them.
#pragma once

#include <cstdint>

#include "kernels/sram_conv/scaled_output.h"
#include "kernels/sram_conv/sum_step.h"

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
inline constexpr int kStripBlocks = 24;  ///< at most

inline constexpr int kMaxPlanes = 8;  ///< of a pass: weights of 1, 2, 4 and 8, positive and negative

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

/// An ADC.
struct Converter {
  alignas(64) uint8_t codes[1 << kFieldBits];  ///< of every partial sum
  SumStep step;
};

/// The operand of LDTILECFG.
struct alignas(64) TileConfig {
  uint8_t palette, start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};

/// Rows of one slice that are neighbouring channels of one kernel position.
struct Run {
  int group, group_row;  ///< of its first row
  int down, right;       ///< kernel position ...
  bool new_position;     ///< ... unlike that of the run before
  int channel;           ///< of its first row
  int rows;
};

/// Channels that are a slice of a row group at some kernel position.
struct Slice {
  int channel, rows;
};

/// A layer packed for the matrix unit.
struct Layer {
  int c, h, w, stride, padding, kh, kw;  ///< of the input and the kernel ...
  int o, out_h, out_w;                   ///< ... and of the output
  int halves;
  int groups;
  int slices;  ///< of a group; weights of those that it lacks are 0
  int depth;   ///< bytes of one window in a tile of activations

  /// Activation tiles are [window][depth]. In memory, the window after one is `depth` bytes further. From the
  /// place of a block (of 16 windows) on, the tile of a group's first slice and low pair is
  /// group_places[group] bytes away, and one slice, pair or half more is so many bytes more:
  int64_t slice_bytes, pair_bytes, half_bytes;
  const int64_t* group_places;
  int strip_blocks;  ///< at most
  /// Every window has bytes of its own: [block][half][group][pair][slice][window][depth], gathered by runs.
  /// Or windows share them, where the stride is 1, blocks end with images and slices lie in one kernel
  /// position each: [half][pair][slice][kernel column][input row][output column][depth]. A row is there for
  /// each kernel column, so that windows follow each other as output pixels do, and meets every kernel row.
  bool shared;
  const Run* runs;
  int run_count;
  int64_t block_bytes;  ///< not shared
  const Slice* shared_slices;
  int shared_slice_count;
  int input_rows;  ///< there is space for

  const Pass* passes;
  int pass_count;
  TileConfig tiles;

  const Converter* converters;
  int converter_count;
  bool long_tables;  ///< some partial sum may exceed 63

  int32_t offset;  ///< offset_weight() of the encoding
};

/// Some windows times some output channels, and the thread's buffers.
struct Strip {
  const uint8_t* q;                ///< [N,H,W,C]
  int64_t first_pixel, end_pixel;  ///< flat indices of output pixels
  int first_channel_block, end_channel_block;
  const ScaledOutput* outputs;  ///< of every converter
  uint8_t* activations;
  int32_t* window_sums;  ///< [block][kWindows]
  int32_t* acc;          ///< [converter][Layer::strip_blocks][kElements]
  int32_t* sums;         ///< the same; where there are several passes
};

/// The kernel compiled for AMX; null where the compiler cannot build it.
using ConvolveStrip = void (*)(const Layer& layer, const Strip& strip);
extern const ConvolveStrip kAmxConvolveStrip;

}  // namespace sramsim::matrix_unit
