#include "kernels/loss/loss.h"

#include "kernels/loss/loss_row.h"

namespace sramsim {
namespace {

/// Adds up the images in order.
template <typename Row>
double batch_sum(Row row, const float* logits, const uint8_t* labels, int n, int classes, float* dlogits,
                 int32_t* correct) {
  double total = 0;
  for (int i = 0; i < n; ++i) {
    const int64_t at = static_cast<int64_t>(i) * classes;
    total += row(logits + at, classes, labels[i], n, dlogits != nullptr ? dlogits + at : nullptr);
    *correct += first_largest(logits + at, classes) == labels[i];
  }
  return total;
}

}  // namespace

void softmax_cross_entropy_batch(const float* logits, const uint8_t* labels, int n, int classes, float* loss,
                                 float* dlogits, int32_t* correct) {
  *loss += static_cast<float>(
      batch_sum(softmax_cross_entropy_row, logits, labels, n, classes, dlogits, correct) / n);
}

void mse_one_hot_batch(const float* logits, const uint8_t* labels, int n, int classes, float* loss,
                       float* dlogits, int32_t* correct) {
  const double count = static_cast<double>(n) * classes;
  *loss +=
      static_cast<float>(batch_sum(mse_one_hot_row, logits, labels, n, classes, dlogits, correct) / count);
}

}  // namespace sramsim
