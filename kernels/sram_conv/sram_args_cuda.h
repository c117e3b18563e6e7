// What the CUDA kernels of the SRAM convolution read: plain structs, made on the host, passed by value or
// copied to the device. No CUDA header, so that the host packs them and the block emulator runs on them.
//
// Operand layouts, in 16-byte units (kernels/cuda/ptx.h):
//   activations  [n][y][x][bit][unit]         padded image; unit = 128 channels of one bit (binary product),
//                                             in the order of plane_place()
//                [n][y][x][unit]              unit = 16 channels of 8-bit codes (integer product)
//   weights      [o tile][plane][position][unit][o in tile]
// The warpgroup kernels have [o tile][operand B][unit][column], a column being one weight plane of an output
// channel (sram_pack_cuda.h).
// The halo kernel keeps a tile of the activations in shared memory as [bit][unit][y][x] and one o tile of the
// weights.
#pragma once

#include <cstdint>

#include "kernels/core/macros.h"
#include "kernels/core/output_scale.h"
#include "kernels/cuda/ptx.h"
#include "kernels/sram_conv/sum_step.h"

namespace sramsim::cuda {

inline constexpr int kChannelsPerPlaneUnit = 128;
inline constexpr int kChannelsPerCodeUnit = 16;

/// Bit of a plane's words where channel c lies: within a word, channel 16h + 4i + j at bit 8j + 4h + i. Then
/// the packing kernel takes a bit of two bytes at once by a mask, and so does the float8 kernel, which makes
/// bytes of the lower or upper 16 channels' bits.
SRAMSIM_HD constexpr int plane_place(int c) {
  return (c & ~31) | (c & 3) << 3 | (c >> 4 & 1) << 2 | (c >> 2 & 3);
}

inline constexpr int kRowTiles = 2;                 ///< 16-row mma tiles of a warp
inline constexpr int kWarpPixels = 16 * kRowTiles;  ///< output pixels of a warp
inline constexpr int kTileSide = 8;                 ///< the halo kernels tile the image by 8x8 output pixels
inline constexpr int kTilePixels = kTileSide * kTileSide;
/// Input pixels under a side of such a tile: its halo.
constexpr int halo_side(int kernel, int stride) {
  return (kTileSide - 1) * stride + kernel;
}
inline constexpr int kDirectTileN = 64;    ///< output channels of a warp: direct loop
inline constexpr int kChainedTileN = 32;   ///< the same, chained loop, which also holds the partial sums
inline constexpr int kPortablePixels = 4;  ///< output pixels of a thread of the portable kernel
inline constexpr int kPortableThreads = 128;
inline constexpr int kMaxPlanes = 8;
inline constexpr int kMmaThreads = 256;  ///< most threads of a block of the mma kernels

/// One step of a pass: the two units of K that an mma covers. A *direct* step uses only unit 0 and converts
/// the partial sums of one or two row groups of it at once (masks 0 and 1). A *chained* step adds units 0 and
/// 1, each under its own mask, to the partial sums of one row group; flags say where the group begins and
/// ends.
struct alignas(16) Step {
  int32_t a[2];         ///< operand A, in units from the window's first pixel
  int32_t w[2];         ///< operand B, in units from the plane's first
  uint32_t mask[2][4];  ///< rows of the group within the unit
  uint32_t flags;
  uint32_t unused[3];
};
inline constexpr uint32_t kStepFirst = 1;   ///< the row group's partial sums start at 0
inline constexpr uint32_t kStepDouble = 2;  ///< the next lower bit of a DAC digit: sums double first
inline constexpr uint32_t kStepLast = 4;    ///< the partial sums are complete: convert

/// The halo kernel notes lit steps as bits, digit by digit.
inline constexpr int kStepsPerWord = 32;
SRAMSIM_DEVICE int lit_words(int steps, int digits) {
  return digits * ((steps + kStepsPerWord - 1) / kStepsPerWord);
}

/// One pass over all steps: one input digit with one weight plane. Accumulators are multiplied by `scale` (a
/// signed power of two, Horner's rule over digits and planes) before the pass and, where `flush` is not 0,
/// added with that factor to the totals after it.
struct alignas(16) Pass {
  int32_t a;  ///< operand A, in units: the digit's lowest bit
  int32_t w;  ///< operand B, in units: the plane
  int32_t scale;
  int32_t flush;
};

/// How the warpgroup kernels multiply. Units of their operands hold 128 channels as bits, or 16 as bytes
/// (float8); wide: bits, by twice as many columns at a time.
enum class ProductKind { kBinary, kWide, kFloat8 };
/// Columns, (output channel, weight plane), of a *slice*: those of a product.
constexpr int columns_of_slice(ProductKind kind) {
  return kind == ProductKind::kWide ? 128 : 64;
}
/// Slices that an o tile has.
constexpr int slices_of_tile(ProductKind kind) {
  return kind == ProductKind::kFloat8 ? 2 : 1;
}
/// Warpgroups of a block, at most: as the registers allow.
constexpr int most_warpgroups(ProductKind kind) {
  return kind == ProductKind::kBinary ? 4 : kind == ProductKind::kWide ? 2 : 3;
}

/// One product of the warpgroup kernels. Operands as ptx::matrix_place(), in units from the tile's and the
/// slice's first; rows: whose set bits make the product worth its while, up to two runs.
struct alignas(16) Product {
  uint32_t a, b;
  uint32_t rows[2];
};
/// Blocks of 32 channels, begin .. end - 1, of a kernel position; 0: none. Blocks whose numbers are equal
/// modulo 32 are not told apart.
inline uint32_t product_rows(uint32_t position, uint32_t begin, uint32_t end) {
  const uint32_t count = end - begin < 32 ? end - begin : 32;
  return position | begin % 32 << 8 | count << 16;
}
SRAMSIM_DEVICE int rows_position(uint32_t rows) {
  return static_cast<int>(rows & 0xffu);
}
/// As bits.
SRAMSIM_DEVICE uint32_t rows_blocks(uint32_t rows) {
  return rows == 0 ? 0u : ptx::rotate_left(~0u >> (32 - (rows >> 16)), rows >> 8);
}

/// Bits of one word of a window that move to a word of collected ones (sram_collect_cuda.h): rotated to the
/// left by `rotate`, of which only the low five bits count, and kPieceLast where the target is complete.
struct alignas(16) Piece {
  uint32_t source;  ///< bytes from the window's first pixel, of the first plane
  uint32_t mask;
  uint32_t target;  ///< bytes from the pixel's first unit
  uint32_t rotate;
};
inline constexpr uint32_t kPieceLast = 1u << 31;
inline constexpr int kPiecesAtOnce = 8;  ///< their number is a multiple: loads of so many overlap

/// Where a warpgroup keeps what, in bytes from its first; the block's weights, products and pieces lie before
/// all of them.
struct WarpgroupOffsets {
  uint32_t products, pieces;  ///< of the block, from the start of shared memory
  uint32_t first;             ///< of the first warpgroup, likewise. Bits under the tile, [digit][unit][pixel]
  uint32_t spread;  ///< float8: those of one digit as bytes, [k16][pixel]; collected: [digit][unit][pixel]
  uint32_t lit;     ///< [digit][unit][warp][32 channels]: positions with a set bit
  uint32_t counts;  ///< the sum of all conversions' biases, then [digit]: row groups of its loop
  uint32_t list;    ///< of all digits, the highest first: where both operands of a product are, two words
  uint32_t size;    ///< all of a warpgroup
};

/// How a partial sum becomes something that can be added up (sram_adc_cuda.h). The sum of the added words is
/// `bias` per conversion too large, modulo 2^32.
struct AdcForm {
  float scale = 0;                  ///< fused, fma: 2^125 / D, nudged
  float offset = 0;                 ///< fma: 1 - L*2^-24
  uint32_t half_scale = 0;          ///< half2: twice 2^13 / D, nudged; float8: see scale_for_float8()
  uint32_t half_offset = 0;         ///< half2: twice 1 - L*2^-11
  int32_t limit = 0;                ///< clamp: L
  uint32_t bias = 0;                ///< per added word
  uint32_t zero = 0;                ///< 0, but the compiler does not know: ptx::after()
  const uint32_t* table = nullptr;  ///< table: code of every partial sum, device memory
  int32_t table_size = 0;
};

/// Where sums go. Exactly one of `s` and `y` is set; layout [N,OH,OW,O].
struct Epilogue {
  double* s = nullptr;
  float* y = nullptr;
  OutputScale scale;
  const float* bias = nullptr;  ///< [O] or null
  SumStep sum;
  int32_t offset_weight = 0;              ///< offset encoding: 2^(B-1), else 0
  const int32_t* channel_sums = nullptr;  ///< sum of q over the channels of every padded pixel, or null
  bool relu = false;
  /// y in channel pairs (even O), quotients from reciprocals; they need a correction unless scale.exact.
  bool fast = false;
  bool fours = false;  ///< y, and the bias if any, in fours of channels too
  bool plain = false;  ///< fours, and nothing but products: sum.exact and scale.exact
};

/// Geometry of the convolution on the padded image.
struct Geometry {
  int32_t n = 0, o = 0;
  int32_t oh = 0, ow = 0;         ///< output image
  int32_t height = 0, width = 0;  ///< padded input image
  int32_t kh = 0, kw = 0, stride = 1;
  int32_t pixel_units = 0;  ///< units of one padded pixel: bits * units per bit
};

/// Everything one launch of a convolution kernel needs.
struct SramConvArgs {
  Geometry geometry;
  const Unit* planes = nullptr;   ///< [n][height][width][pixel_units]
  const Unit* weights = nullptr;  ///< slice_units per o tile
  int32_t tile_o = 0;             ///< output channels of one o tile
  int32_t slice_units = 0;
  const Step* steps = nullptr;
  const Pass* passes = nullptr;
  int32_t step_count = 0, pass_count = 0;
  bool skip_zeros = false;  ///< a zero partial sum gives code 0: zero activation words may be skipped
  AdcForm adc;
  Epilogue epilogue;
  // Warpgroup kernels: group_products products of each row group, and what the planes weigh.
  const Product* products = nullptr;  ///< [row group][product]
  const Piece* pieces = nullptr;
  int32_t piece_count = 0;       ///< 0: nothing is collected
  int32_t collected_units = 0;   ///< of a pixel and digit
  int32_t a_rows = 0;            ///< units from 8 output pixels of operand A to the next
  uint32_t halo_reciprocal = 0;  ///< 2^32 / halo_width, rounded up: halo_row()
  int32_t row_groups = 0, group_products = 0;
  int32_t slices = 0;      ///< of a block, slice_units of weights each; whole o tiles
  int32_t lit_blocks = 0;  ///< of 32 channels
  WarpgroupOffsets offsets = {};
  int32_t plane_weight[kMaxPlanes] = {};
  int32_t weights_sum = 0;  ///< of all planes that a channel has columns for
  // Halo and warpgroup kernels.
  int32_t halo_height = 0, halo_width = 0;  ///< input pixels under one 8x8 tile of outputs
  int32_t digit_units = 0;  ///< units of one digit's planes: in a halo tile; warpgroup kernels: of a pixel
  int32_t digits = 0;       ///< passes of one weight plane
  // Halo and gather kernels: warps of a block along pixels, along output channels, and sharing the steps of a
  // tile.
  int32_t warps_m = 0, warps_n = 0, warps_k = 1;
};

/// One launch of the kernel that packs activations.
struct PrepareArgs {
  const uint8_t* q = nullptr;    ///< codes [N,H,W,C], or
  const float* x = nullptr;      ///< real activations [N,H,W,C], quantised on the way with
  const float* alpha = nullptr;  ///< one value in device memory
  int32_t act_bits = 0;
  int32_t n = 0, c = 0, h = 0, w = 0, padding = 0;
  int32_t bits = 0;   ///< planes per pixel (digits * dac bits, the top ones may be zero)
  int32_t units = 0;  ///< units per plane
  Unit* planes = nullptr;
  int32_t* channel_sums = nullptr;  ///< [N][height][width] or null
};

}  // namespace sramsim::cuda
