#include "kernels/quantise/weights.h"

#include <algorithm>

#include "kernels/core/parallel.h"
#include "kernels/core/quantise.h"
#include "kernels/elementwise/loops.h"

namespace sramsim {
namespace {

WeightSums tensor_sums(const float* w, size_t count) {
  WeightSums all;
  for (size_t begin = 0; begin < count; begin += kChunk) {
    const WeightSums part = elementwise_loops().weight_sums(w + begin, std::min(kChunk, count - begin));
    all.sum += part.sum;
    all.abs_sum += part.abs_sum;
    all.abs_max = std::max(all.abs_max, part.abs_max);
  }
  return all;
}

float clip_of(const float* w, size_t count, int bits, std::vector<double>& partial) {
  const WeightSums sums = tensor_sums(w, count);
  const auto n = static_cast<double>(count);
  const double mean = sums.sum / n;
  const double squares = parallel_sum(count, partial, [&](size_t begin, size_t end) {
    return elementwise_loops().squared_deviation(w + begin, end - begin, mean);
  });
  return sawb_clip(sums.abs_sum, squares, sums.abs_max, n, bits);
}

}  // namespace

void quantise_weight_tensor(const float* w, size_t count, int bits, int8_t* codes, float* scale,
                            std::vector<double>& partial) {
  const float alpha = clip_of(w, count, bits, partial);
  *scale = weight_scale_of(alpha, bits);
  parallel_chunks(count, [&](size_t begin, size_t end) {
    elementwise_loops().quantise_weights(w + begin, end - begin, alpha, *scale, codes + begin);
  });
}

}  // namespace sramsim
