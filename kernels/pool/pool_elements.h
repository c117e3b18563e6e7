// Pooling and flatten element by element, in the form of kernels/elementwise/elements.h: the bits of pool.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/core/elementwise.h"

namespace sramsim::elements {

/// Windows of [N,H,W,C], size x size, stride = size.
struct Windows {
  int n, h, w, c, size;
  SRAMSIM_HD int out_h() const { return h / size; }
  SRAMSIM_HD int out_w() const { return w / size; }
  SRAMSIM_HD size_t inputs() const { return static_cast<size_t>(n) * h * w * c; }
  SRAMSIM_HD size_t outputs() const { return static_cast<size_t>(n) * out_h() * out_w() * c; }
  /// First element of output element `call`'s window.
  SRAMSIM_HD size_t window(size_t call) const {
    const size_t channel = call % c, pixel = call / c;
    const size_t ow = pixel % out_w(), row = pixel / out_w();
    const size_t oh = row % out_h(), image = row / out_h();
    return ((image * h + oh * size) * w + ow * size) * c + channel;
  }
  /// Element (kh,kw) of a window.
  SRAMSIM_HD size_t at(size_t window, int kh, int kw) const {
    return window + (static_cast<size_t>(kh) * w + kw) * c;
  }
  /// The output element whose window holds input element `call`, or -1.
  SRAMSIM_HD int64_t output_of(size_t call) const {
    const size_t channel = call % c, pixel = call / c;
    const size_t x = pixel % w, row = pixel / w;
    const size_t y = row % h, image = row / h;
    const size_t oh = y / size, ow = x / size;
    if (oh >= static_cast<size_t>(out_h()) || ow >= static_cast<size_t>(out_w())) return -1;
    return static_cast<int64_t>(((image * out_h() + oh) * out_w() + ow) * c + channel);
  }
};

struct AvgPool {
  static constexpr const char* kName = "avg_pool";
  Windows s;
  const float* x;
  float* y;
  size_t calls() const { return s.outputs(); }
  SRAMSIM_HD void operator()(size_t call) const {
    const size_t window = s.window(call);
    float sum = 0.0f;
    for (int kh = 0; kh < s.size; ++kh)
      for (int kw = 0; kw < s.size; ++kw) sum += x[s.at(window, kh, kw)];
    y[call] = sum / static_cast<float>(s.size * s.size);
  }
};

struct AvgPoolBackward {
  static constexpr const char* kName = "avg_pool_backward";
  Windows s;
  const float* dy;
  const float* relu_y;  ///< the pool's input whose ReLU mask the gradient also takes, or null
  float* dx;
  size_t calls() const { return s.inputs(); }
  SRAMSIM_HD void operator()(size_t call) const {
    const int64_t output = s.output_of(call);
    float g = 0.0f;
    if (output >= 0) {
      g = dy[output] / static_cast<float>(s.size * s.size);
      if (relu_y != nullptr) g = relu_gradient(relu_y[call], g);
    }
    dx[call] = g;
  }
};

struct MaxPool {
  static constexpr const char* kName = "max_pool";
  Windows s;
  const float* x;
  float* y;
  size_t calls() const { return s.outputs(); }
  SRAMSIM_HD void operator()(size_t call) const {
    const size_t window = s.window(call);
    float most = x[window];
    for (int kh = 0; kh < s.size; ++kh)
      for (int kw = 0; kw < s.size; ++kw) {
        const float v = x[s.at(window, kh, kw)];
        most = v > most ? v : most;
      }
    y[call] = most;
  }
};

/// Each input element looks for the first maximum of its window and takes the gradient if that is itself.
struct MaxPoolBackward {
  static constexpr const char* kName = "max_pool_backward";
  Windows s;
  const float* x;
  const float* dy;
  float* dx;
  size_t calls() const { return s.inputs(); }
  SRAMSIM_HD void operator()(size_t call) const {
    const int64_t output = s.output_of(call);
    float g = 0.0f;
    if (output >= 0) {
      const size_t window = s.window(static_cast<size_t>(output));
      size_t best = window;
      for (int kh = 0; kh < s.size; ++kh)
        for (int kw = 0; kw < s.size; ++kw)
          if (x[s.at(window, kh, kw)] > x[best]) best = s.at(window, kh, kw);
      if (best == call) g = dy[output];
    }
    dx[call] = g;
  }
};

/// to [images, cols, rows] = from [images, rows, cols].
struct TransposeImages {
  static constexpr const char* kName = "transpose_images";
  const float* from;
  int64_t images, rows, cols;
  float* to;
  size_t calls() const { return static_cast<size_t>(images * rows * cols); }
  SRAMSIM_HD void operator()(size_t call) const {
    const auto at = static_cast<int64_t>(call);
    const int64_t r = at % rows, c = at / rows % cols, image = at / (rows * cols);
    to[call] = from[(image * rows + r) * cols + c];
  }
};

}  // namespace sramsim::elements
