// The losses in the form of kernels/elementwise/elements.h: every image alone, then one call that adds up.
#pragma once

#include <cstddef>

#include "kernels/loss/loss_row.h"

namespace sramsim::elements {

struct LossRow {
  double loss;
  int32_t hit;
};

template <bool kMse>
struct LossRows {
  static constexpr const char* kName = "loss_rows";
  const float* logits;
  const uint8_t* labels;
  int n, classes;
  float* dlogits;  ///< [n,classes] or null
  LossRow* rows;   ///< [n]
  size_t calls() const { return static_cast<size_t>(n); }
  SRAMSIM_HD void operator()(size_t i) const {
    const size_t at = i * static_cast<size_t>(classes);
    float* d = dlogits != nullptr ? dlogits + at : nullptr;
    const int label = labels[i];
    rows[i].loss = kMse ? mse_one_hot_row(logits + at, classes, label, n, d)
                        : softmax_cross_entropy_row(logits + at, classes, label, n, d);
    rows[i].hit = first_largest(logits + at, classes) == label ? 1 : 0;
  }
};

/// *loss += sum / count, *correct += hits, in the order of the images.
struct AddLossRows {
  static constexpr const char* kName = "add_loss_rows";
  const LossRow* rows;
  int n;
  double count;
  float* loss;
  int32_t* correct;
  size_t calls() const { return 1; }
  SRAMSIM_HD void operator()(size_t) const {
    double total = 0;
    int32_t hits = 0;
    for (int i = 0; i < n; ++i) {
      total += rows[i].loss;
      hits += rows[i].hit;
    }
    *loss += static_cast<float>(total / count);
    *correct += hits;
  }
};

}  // namespace sramsim::elements
