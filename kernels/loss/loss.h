// Losses over a batch of logits [n, classes]: the mean loss is added to *loss, its gradient written to
// dlogits, *correct += rows whose first largest logit is the label. `dlogits` may be null (evaluation).
#pragma once

#include <cstdint>

namespace sramsim {

/// loss = mean over rows of log(sum exp z) - z[label]; gradient (softmax(z) - one_hot)/n.
void softmax_cross_entropy_batch(const float* logits, const uint8_t* labels, int n, int classes, float* loss,
                                 float* dlogits, int32_t* correct);
/// loss = mean over all n*classes elements of (z - one_hot)^2; gradient 2*(z - one_hot)/(n*classes).
void mse_one_hot_batch(const float* logits, const uint8_t* labels, int n, int classes, float* loss,
                       float* dlogits, int32_t* correct);

}  // namespace sramsim
