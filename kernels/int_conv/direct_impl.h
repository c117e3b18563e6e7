// Body of the direct convolution; included once per instruction set. Plain C++ that the compiler vectorises;
// nothing with external linkage may be defined here.
#include <cstddef>
#include <cstring>

#include "kernels/int_conv/direct.h"

namespace sramsim {
namespace {

/// f(row, pixel): every (weight row, input element) that meets output pixel (oh, ow); padding is skipped.
template <typename F>
inline void for_window(const ConvShape& s, int oh, int ow, F&& f) {
  for (int kh = 0; kh < s.kh; ++kh) {
    const int ih = oh * s.stride - s.padding + kh;
    if (ih < 0 || ih >= s.h) continue;
    for (int kw = 0; kw < s.kw; ++kw) {
      const int iw = ow * s.stride - s.padding + kw;
      if (iw < 0 || iw >= s.w) continue;
      f((kh * s.kw + kw) * s.c, (static_cast<size_t>(ih) * s.w + iw) * s.c);
    }
  }
}

void forward_row(const ConvShape& s, const uint8_t* q, const int32_t* w, int oh, int32_t* acc) {
  const int out_w = s.out_w(), o = s.o;
  std::memset(acc, 0, static_cast<size_t>(out_w) * o * sizeof(int32_t));
  for (int ow = 0; ow < out_w; ++ow, acc += o)
    for_window(s, oh, ow, [&](int row, size_t at) {
      for (int c = 0; c < s.c; ++c) {
        const int32_t x = q[at + c];
        if (x == 0) continue;
        const int32_t* wr = w + static_cast<size_t>(row + c) * o;
        for (int k = 0; k < o; ++k) acc[k] += x * wr[k];
      }
    });
}

void backward_weights(const ConvShape& s, const uint8_t* q, const float* dy, float* dw) {
  const int o = s.o;
  for (int oh = 0; oh < s.out_h(); ++oh)
    for (int ow = 0; ow < s.out_w(); ++ow, dy += o)
      for_window(s, oh, ow, [&](int row, size_t at) {
        for (int c = 0; c < s.c; ++c) {
          if (q[at + c] == 0) continue;
          const auto x = static_cast<float>(q[at + c]);
          float* out = dw + static_cast<size_t>(row + c) * o;
          for (int k = 0; k < o; ++k) out[k] += dy[k] * x;
        }
      });
}

float dot(const float* a, const float* b, int n) {
  constexpr int kLanes = 16;
  float lane[kLanes] = {};
  int i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int l = 0; l < kLanes; ++l) lane[l] += a[i + l] * b[i + l];
  for (int l = 0; i < n; ++i, ++l) lane[l] += a[i] * b[i];
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) lane[l] += lane[l + half];
  return lane[0];
}

void backward_data(const ConvShape& s, const float* dy, const float* w, float factor, float* dx) {
  std::memset(dx, 0, static_cast<size_t>(s.inputs()) * sizeof(float));
  for (int oh = 0; oh < s.out_h(); ++oh)
    for (int ow = 0; ow < s.out_w(); ++ow, dy += s.o)
      for_window(s, oh, ow, [&](int row, size_t at) {
        for (int c = 0; c < s.c; ++c)
          dx[at + c] += factor * dot(dy, w + static_cast<size_t>(row + c) * s.o, s.o);
      });
}

constexpr DirectConvLoops make_table(const char* name) {
  return {name, forward_row, backward_weights, backward_data};
}

}  // namespace
}  // namespace sramsim
