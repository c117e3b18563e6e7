// Host packing for the CUDA kernels: weight units, the list of steps (what is added up) and of passes (what
// it weighs). Every mapping, encoding, width and DAC becomes these three lists; the kernels know nothing else
// of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/sram_conv/sram_args_cuda.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim::cuda {

/// Distances between units of operand A, in units: next row and column of the image, next bit, next channels.
struct OperandStrides {
  int32_t y = 0, x = 0, bit = 0, unit = 0;
};

/// Units per plane that C channels take.
constexpr int plane_units(int channels) {
  return (channels + kChannelsPerPlaneUnit - 1) / kChannelsPerPlaneUnit;
}
constexpr int code_units(int channels) {
  return (channels + kChannelsPerCodeUnit - 1) / kChannelsPerCodeUnit;
}

/// Bit planes stored per activation: whole digits, the top ones may be zero.
inline int stored_bits(const SramConvSpec& spec) {
  return spec.digits() * spec.dac_bits;
}

/// Row groups that one direct step converts: 1 where every group is all channels of one unit, 2 where groups
/// share units or hold part of one; 0 where a group spans several units or a digit several bits, so that sums
/// must be chained.
int direct_groups_per_step(const SramConvSpec& spec);

std::vector<Step> direct_steps(const SramConvSpec& spec, int groups_per_step, const OperandStrides& a,
                               int tile_o);
std::vector<Step> chained_steps(const SramConvSpec& spec, const OperandStrides& a, int tile_o);
/// The integer product: all rows in one chain.
std::vector<Step> integer_steps(const ConvShape& shape, const OperandStrides& a, int tile_o);

/// Products of the float8 kernel: `blocks` (1, 2 or 4) of 32 channels for every row group, in the order of
/// the groups. Word 0 and 1: operands A and B in units from the tile's and the weights' first; 2: 32
/// channels; 3: kernel position. A group with fewer rows repeats its first with weights of zero.
struct Float8Products {
  std::string refusal;  ///< why the float8 kernel cannot have this layer, in one line; then the rest is empty
  int blocks = 0;
  int weight_tiles = 0;  ///< distinct operands B
  std::vector<Unit> products;
};
Float8Products float8_products(const SramConvSpec& spec);
/// Lane pairs that the planes of an output channel take: 2 (up to four planes) or 4.
inline int float8_pairs(const SramConvSpec& spec) {
  return spec.planes() <= 4 ? 2 : 4;
}
inline constexpr int kFloat8TileUnits = 2 * kFloat8Columns;  ///< of one operand B: 32 channels x 64 columns
/// [o tile][weight tile][k16][column], a byte 2^-5 (e4m3) where a weight bit is set. Column 8j + 2t + x of a
/// tile is plane 2*(j % pairs) + x of its output channel 4*(j / pairs) + t.
std::vector<Unit> pack_float8_weights(const SramConvSpec& spec, const int8_t* codes);

/// Passes over (digit, plane), most significant first. `lane_limit` bounds |sum| between flushes (32767 for
/// packed 16-bit lanes, 0 for none: one flush at the end). Empty if a single pass can exceed it.
std::vector<Pass> make_passes(const SramConvSpec& spec, const AdcTable& table, const OperandStrides& a,
                              int tile_o, int64_t lane_limit);

/// [o tile][plane][position][unit][o in tile]; channels and output channels beyond the shape are zero.
std::vector<Unit> pack_weight_planes(const SramConvSpec& spec, const int8_t* codes, int tile_o);
/// [o tile][position][unit][o in tile] of 8-bit codes.
std::vector<Unit> pack_weight_codes(const ConvShape& shape, const int8_t* codes, int tile_o);

}  // namespace sramsim::cuda
