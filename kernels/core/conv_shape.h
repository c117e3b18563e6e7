// Shape of one convolution. One set of letters everywhere: N,C,H,W input; O output channels; KH,KW kernel.
#pragma once

#include <cstdint>

namespace sramsim {

/// Activations are stored [N,H,W,C] (channels last), weights [O,KH,KW,C]: the channels of one kernel position
/// are contiguous, which is what bit planes, SIMD and tensor cores all want. Files keep PyTorch's
/// [O,C,KH,KW]. A linear layer is a 1x1 kernel on a 1x1 image. The batch size N is an argument of each call,
/// not of the shape.
struct ConvShape {
  int c = 1, h = 1, w = 1;  ///< input channels and image size
  int o = 1, kh = 1, kw = 1;
  int stride = 1;
  int padding = 0;  ///< zeros on each side; a zero activation adds nothing to any partial sum

  int out_h() const { return (h + 2 * padding - kh) / stride + 1; }
  int out_w() const { return (w + 2 * padding - kw) / stride + 1; }
  int positions() const { return kh * kw; }
  /// Weights of one output channel: the rows that the subarrays must hold together.
  int rows() const { return c * kh * kw; }
  int64_t inputs() const { return int64_t{h} * w * c; }               ///< elements of one input image
  int64_t outputs() const { return int64_t{out_h()} * out_w() * o; }  ///< elements of one output image
  int64_t weights() const { return int64_t{o} * rows(); }

  friend bool operator==(const ConvShape&, const ConvShape&) = default;
};

}  // namespace sramsim
