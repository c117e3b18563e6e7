#include "kernels/loss/loss.h"

#include <algorithm>
#include <cmath>

namespace sramsim {
namespace {

bool hit(const float* z, int classes, uint8_t label) {
  return std::max_element(z, z + classes) - z == label;
}

}  // namespace

void softmax_cross_entropy_batch(const float* logits, const uint8_t* labels, int n, int classes, float* loss,
                                 float* dlogits, int32_t* correct) {
  double total = 0;
  for (int i = 0; i < n; ++i) {
    const float* z = logits + static_cast<int64_t>(i) * classes;
    const float top = *std::max_element(z, z + classes);
    double sum = 0;
    for (int k = 0; k < classes; ++k) sum += std::exp(static_cast<double>(z[k] - top));
    total += std::log(sum) - static_cast<double>(z[labels[i]] - top);
    *correct += hit(z, classes, labels[i]);
    if (!dlogits) continue;
    float* d = dlogits + static_cast<int64_t>(i) * classes;
    for (int k = 0; k < classes; ++k) {
      const double p = std::exp(static_cast<double>(z[k] - top)) / sum;
      d[k] = static_cast<float>((p - (k == labels[i] ? 1.0 : 0.0)) / n);
    }
  }
  *loss += static_cast<float>(total / n);
}

void mse_one_hot_batch(const float* logits, const uint8_t* labels, int n, int classes, float* loss,
                       float* dlogits, int32_t* correct) {
  const double count = static_cast<double>(n) * classes;
  double total = 0;
  for (int i = 0; i < n; ++i) {
    const float* z = logits + static_cast<int64_t>(i) * classes;
    *correct += hit(z, classes, labels[i]);
    for (int k = 0; k < classes; ++k) {
      const double error = static_cast<double>(z[k]) - (k == labels[i] ? 1.0 : 0.0);
      total += error * error;
      if (dlogits) dlogits[static_cast<int64_t>(i) * classes + k] = static_cast<float>(2.0 * error / count);
    }
  }
  *loss += static_cast<float>(total / count);
}

}  // namespace sramsim
