// Host packing for the CUDA kernels: weight units, the list of steps (what is added up) and of passes (what
// it weighs). Every mapping, encoding, width and DAC becomes these three lists; the kernels know nothing else
// of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/sram_conv/sram_args_cuda.h"
#include "kernels/sram_conv/sram_collect_cuda.h"
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

/// Products of the warpgroup kernels, two units deep: group_products for every row group, in the order of the
/// groups; the last ones of a group may be empty.
struct WarpgroupProducts {
  std::string refusal;  ///< why these kernels cannot have this layer, in one line; then the rest is empty
  int group_products = 0;
  int slice_units = 0;  ///< operands B of one slice
  std::vector<Product> products;
  CollectPlan collect;  ///< units > 0: operand A is collected
};
/// `collects`: operand A is not the bits under a tile as they lie there, but those of a row group together.
WarpgroupProducts warpgroup_products(const SramConvSpec& spec, ProductKind kind, bool collects);

/// The layout of shared memory for blocks of so many slices.
WarpgroupOffsets warpgroup_offsets(const SramConvSpec& spec, ProductKind kind, const WarpgroupProducts& made,
                                   int slices);

/// Column pairs that the planes of an output channel take: 2 (up to four planes) or 4.
inline int warpgroup_pairs(const SramConvSpec& spec) {
  return spec.planes() <= 4 ? 2 : 4;
}
/// Bytes (e4m3) of operand B where a weight bit is set, by k: operand A has the byte 2^k there, or 1 for k =
/// 7, when a word's bits k + 8m are masked out. The product is 2^-8 for every k.
inline constexpr uint8_t kFloat8Weights[8] = {0x40, 0x38, 0x30, 0x28, 0x20, 0x10, 0x01, 0x40};
/// [slice][operand B][column]: units of bits, or of bytes, where a weight bit is set, and as many of zeros as
/// columns; slices beyond the output channels are zero. With m = j / pairs, column 8j + 2t + x of a slice is
/// plane 2*(j % pairs) + x of its output channel columns/8/pairs * t + m.
std::vector<Unit> pack_warpgroup_weights(const SramConvSpec& spec, const int8_t* codes, ProductKind kind,
                                         const WarpgroupProducts& made, int slices);

/// The largest sum of codes of one weight plane, and the largest shift-add of an output channel, either way.
int64_t largest_column_sum(const SramConvSpec& spec, size_t adc);
int64_t largest_sum(const SramConvSpec& spec, size_t adc);

/// Passes over (digit, plane), most significant first. `lane_limit` bounds |sum| between flushes (32767 for
/// packed 16-bit lanes, 0 for none: one flush at the end). Empty if a single pass can exceed it.
std::vector<Pass> make_passes(const SramConvSpec& spec, const AdcTable& table, const OperandStrides& a,
                              int tile_o, int64_t lane_limit);

/// [o tile][plane][position][unit][o in tile]; channels and output channels beyond the shape are zero.
std::vector<Unit> pack_weight_planes(const SramConvSpec& spec, const int8_t* codes, int tile_o);
/// [o tile][position][unit][o in tile] of 8-bit codes.
std::vector<Unit> pack_weight_codes(const ConvShape& shape, const int8_t* codes, int tile_o);

}  // namespace sramsim::cuda
