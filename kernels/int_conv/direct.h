// Convolution without im2col, for what oneDNN does not serve well: few rows (C*KH*KW small, as in a first
// layer, where memory is the bound) and sums that its 8-bit or float kernels could not form exactly. One
// source (direct_impl.h) compiled for several instruction sets; the output channels are the vector dimension.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/core/conv_shape.h"

namespace sramsim {

struct DirectConvLoops {
  const char* name;
  /// acc[OW,O] = one output row of one image q [H,W,C]; w int32 [KH,KW,C,O].
  void (*forward_row)(const ConvShape& shape, const uint8_t* q, const int32_t* w, int oh, int32_t* acc);
  /// dw[KH,KW,C,O] += the contribution of one image: dy [OH,OW,O] times codes q [H,W,C].
  void (*backward_weights)(const ConvShape& shape, const uint8_t* q, const float* dy, float* dw);
  /// dx[H,W,C] = factor * gradient of one image; w float [KH,KW,C,O]. Dot products run in 16 fixed lanes.
  void (*backward_data)(const ConvShape& shape, const float* dy, const float* w, float factor, float* dx);
};

const DirectConvLoops& direct_conv_loops();
std::span<const DirectConvLoops* const> direct_conv_targets();  ///< every set this machine runs, best first

/// Below this many rows the direct loops beat oneDNN, which pads channels to its vector width (but for its
/// 8-bit kernels with VNNI).
inline constexpr int kDirectRows = 32;

}  // namespace sramsim
