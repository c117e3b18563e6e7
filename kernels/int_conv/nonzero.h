// Convolution over the codes that are not zero: after PACT most are, and each costs a multiplication of the
// weights of all output channels that meet it. Sums are kept in 16 bits for as long as the codes that went
// into them are few enough. One source (nonzero_impl.h) compiled for several instruction sets.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/core/aligned_array.h"
#include "kernels/core/conv_shape.h"

namespace sramsim {

struct Nonzero {
  uint16_t channel;
  int16_t code;
};

/// The codes of one pixel that are not zero.
struct NonzeroList {
  const Nonzero* first;
  int count;
  int32_t sum;  ///< of the codes
};

/// Output channels by blocks: the weights of a block, a kernel position and 128 channels fill most of a
/// first-level cache.
inline constexpr int kNonzeroBlock = 128;

struct NonzeroWeights {
  ConvShape shape;
  int max_code = 0;  ///< bounds |c|
  /// int16 [block][KH,KW,C][width of the block], widths a multiple of kNonzeroVector.
  AlignedArray<int16_t> weights;
};
inline constexpr int kNonzeroVector = 32;  ///< outputs that are padded to
inline constexpr int kNonzeroSlack = 16;   ///< entries behind a list that making it may overwrite

/// Output rows of an image.
struct RowRange {
  int first, count;
};

struct NonzeroConvLoops {
  const char* name;
  /// Lists the codes [pixels,C]; `entries` has room for all of them and kNonzeroSlack more.
  void (*list)(const uint8_t* codes, int pixels, int c, Nonzero* entries, NonzeroList* lists);
  /// acc[rows,OW,O] of one image. `lists`: [H,W] of that image; scratch: `sums` [rows,OW,kNonzeroBlock] on a
  /// cache line boundary, `pending` [rows,OW].
  void (*forward_rows)(const NonzeroWeights& weights, const NonzeroList* lists, RowRange rows, int16_t* sums,
                       int32_t* pending, int32_t* acc);
};

const NonzeroConvLoops& nonzero_conv_loops();
std::span<const NonzeroConvLoops* const> nonzero_conv_targets();  ///< every set this machine runs, best first

/// Whether codes up to max_q and weights of that size have a product in 16 bits, and channels a number.
bool nonzero_conv_fits(const ConvShape& shape, int max_q, int max_code);
/// Memory for weights with |c| <= max_code, and weight codes [O,KH,KW,C] into it.
NonzeroWeights make_nonzero_weights(const ConvShape& shape, int max_code);
void pack_nonzero_weights(const int8_t* codes, NonzeroWeights& packed);

}  // namespace sramsim
