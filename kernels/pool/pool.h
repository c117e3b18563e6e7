// Pooling over [N,H,W,C]: size x size windows, stride = size; trailing rows and columns that fill no window
// are dropped and get no gradient.
#pragma once

#include "kernels/elementwise/loops.h"

namespace sramsim {

struct PoolShape {
  int n, h, w, c, size;
  int out_h() const { return h / size; }
  int out_w() const { return w / size; }
};

void avg_pool(const PoolShape& shape, const float* x, float* y);
/// relu_y: null, or the pool's input whose ReLU mask the gradient also takes.
void avg_pool_backward(const PoolShape& shape, const float* dy, const float* relu_y, float* dx);
void max_pool(const PoolShape& shape, const float* x, float* y);
/// The first maximum of a window takes the gradient.
void max_pool_backward(const PoolShape& shape, const float* x, const float* dy, float* dx);

}  // namespace sramsim
