// Losses of one image: what both backends call, so that they add up the same terms.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/core/macros.h"

namespace sramsim {

/// The first of the largest logits z [classes].
SRAMSIM_HD inline int first_largest(const float* z, int classes) {
  int top = 0;
  for (int k = 1; k < classes; ++k)
    if (z[top] < z[k]) top = k;
  return top;
}

/// log(sum exp z) - z[label]; d [classes], if not null, receives (softmax(z) - one_hot)/n.
SRAMSIM_HD inline double softmax_cross_entropy_row(const float* z, int classes, int label, int n, float* d) {
  const float top = z[first_largest(z, classes)];
  double sum = 0;
  for (int k = 0; k < classes; ++k) sum += exp(static_cast<double>(z[k] - top));
  if (d != nullptr)
    for (int k = 0; k < classes; ++k) {
      const double p = exp(static_cast<double>(z[k] - top)) / sum;
      d[k] = static_cast<float>((p - (k == label ? 1.0 : 0.0)) / n);
    }
  return log(sum) - static_cast<double>(z[label] - top);
}

/// Sum over the classes of (z - one_hot)^2; d receives 2*(z - one_hot)/(n*classes).
SRAMSIM_HD inline double mse_one_hot_row(const float* z, int classes, int label, int n, float* d) {
  const double count = static_cast<double>(n) * classes;
  double sum = 0;
  for (int k = 0; k < classes; ++k) {
    const double error = static_cast<double>(z[k]) - (k == label ? 1.0 : 0.0);
    sum += error * error;
    if (d != nullptr) d[k] = static_cast<float>(2.0 * error / count);
  }
  return sum;
}

}  // namespace sramsim
