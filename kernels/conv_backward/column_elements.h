// A convolution's windows as rows of a matrix, in the form of kernels/elementwise/elements.h: with
//   columns [pixel,row]   pixel = (n,oh,ow), row = (kh,kw,c) as in the weights [O,row]
// the gradients are matrix products: dw = dy^T * columns(x), columns(dx) = dy * w.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/core/conv_shape.h"
#include "kernels/core/quantise.h"

namespace sramsim::elements {

/// ConvShape by value for the device, whose methods are host functions there.
struct ColumnShape {
  int c, h, w, kh, kw, stride, padding, out_h, out_w;
  explicit ColumnShape(const ConvShape& s)
      : c(s.c),
        h(s.h),
        w(s.w),
        kh(s.kh),
        kw(s.kw),
        stride(s.stride),
        padding(s.padding),
        out_h(s.out_h()),
        out_w(s.out_w()) {}
};

/// columns = windows of x = q / act_scale; zero outside the image.
struct ImageToColumns {
  static constexpr const char* kName = "image_to_columns";
  ColumnShape s;
  int n;
  const uint8_t* q;
  const float* alpha;
  int bits;
  float* columns;
  size_t calls() const { return static_cast<size_t>(n) * s.out_h * s.out_w * s.kh * s.kw * s.c; }
  SRAMSIM_HD void operator()(size_t call) const {
    const int channel = static_cast<int>(call % s.c);
    size_t rest = call / s.c;
    const int kw = static_cast<int>(rest % s.kw);
    rest /= s.kw;
    const int kh = static_cast<int>(rest % s.kh);
    rest /= s.kh;
    const int x = static_cast<int>(rest % s.out_w) * s.stride - s.padding + kw;
    rest /= s.out_w;
    const int y = static_cast<int>(rest % s.out_h) * s.stride - s.padding + kh;
    const size_t image = rest / s.out_h;
    float value = 0.0f;
    if (x >= 0 && x < s.w && y >= 0 && y < s.h)
      value =
          static_cast<float>(q[((image * s.h + y) * s.w + x) * s.c + channel]) / act_scale_of(*alpha, bits);
    columns[call] = value;
  }
};

/// dx = sum of the columns' elements that came from each input element, in (kh,kw) order: no atomics.
struct ColumnsToImage {
  static constexpr const char* kName = "columns_to_image";
  ColumnShape s;
  int n;
  const float* columns;
  float* dx;
  size_t calls() const { return static_cast<size_t>(n) * s.h * s.w * s.c; }
  SRAMSIM_HD void operator()(size_t call) const {
    const int channel = static_cast<int>(call % s.c);
    size_t rest = call / s.c;
    const int x = static_cast<int>(rest % s.w) + s.padding;
    rest /= s.w;
    const int y = static_cast<int>(rest % s.h) + s.padding;
    const size_t image = rest / s.h;
    float sum = 0.0f;
    for (int kh = 0; kh < s.kh; ++kh) {
      const int down = y - kh;
      if (down < 0 || down % s.stride != 0 || down / s.stride >= s.out_h) continue;
      for (int kw = 0; kw < s.kw; ++kw) {
        const int across = x - kw;
        if (across < 0 || across % s.stride != 0 || across / s.stride >= s.out_w) continue;
        const size_t pixel = (image * s.out_h + down / s.stride) * s.out_w + across / s.stride;
        sum += columns[((pixel * s.kh + kh) * s.kw + kw) * s.c + channel];
      }
    }
    dx[call] = sum;
  }
};

/// Column sums of a matrix [rows,columns] over runs of kRun rows: partial [runs,columns]. Up to kRun rows the
/// order of additions is that of one loop.
struct PartialColumnSums {
  static constexpr const char* kName = "partial_column_sums";
  static constexpr int64_t kRun = 512;
  const float* x;
  int64_t rows;
  int columns;
  double* partial;
  int64_t runs() const { return (rows + kRun - 1) / kRun; }
  size_t calls() const { return static_cast<size_t>(runs()) * columns; }
  SRAMSIM_HD void operator()(size_t call) const {
    const int64_t column = static_cast<int64_t>(call) % columns,
                  first = static_cast<int64_t>(call) / columns * kRun;
    const int64_t end = first + kRun < rows ? first + kRun : rows;
    double sum = 0;
    for (int64_t r = first; r < end; ++r) sum += x[r * columns + column];
    partial[call] = sum;
  }
};

struct AddColumnSums {
  static constexpr const char* kName = "add_column_sums";
  const double* partial;
  int64_t runs;
  int columns;
  float* sums;
  size_t calls() const { return static_cast<size_t>(columns); }
  SRAMSIM_HD void operator()(size_t column) const {
    double sum = 0;
    for (int64_t run = 0; run < runs; ++run) sum += partial[run * columns + static_cast<int64_t>(column)];
    sums[column] = static_cast<float>(sum);
  }
};

}  // namespace sramsim::elements
