#include "host/train/batches.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "host/layer/random_streams.h"
#include "kernels/core/philox.h"

namespace sramsim {

std::vector<int32_t> shuffled_order(int count, uint64_t seed, int epoch) {
  std::vector<int32_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  const RandomKey key{seed, random_stream(RandomPurpose::kShuffle), static_cast<uint64_t>(epoch)};
  for (size_t i = order.size(); i > 1; --i) {
    const uint64_t j = (uint64_t{philox_word(key, i)} * i) >> 32;  // uniform in 0..i-1 to 2^-32
    std::swap(order[i - 1], order[j]);
  }
  return order;
}

BatchReader::BatchReader(const Dataset& dataset, int count, int batch)
    : dataset_(dataset),
      count_(count),
      batch_(batch),
      order_(static_cast<size_t>(count)),
      images_(static_cast<size_t>(batch) * static_cast<size_t>(dataset.h) * static_cast<size_t>(dataset.w)),
      labels_(static_cast<size_t>(batch)) {
  std::iota(order_.begin(), order_.end(), 0);
}

int BatchReader::load(int step) {
  const size_t pixels = static_cast<size_t>(dataset_.h) * static_cast<size_t>(dataset_.w);
  const int first = step * batch_;
  const int n = std::min(batch_, count_ - first);
  for (int i = 0; i < n; ++i) {
    const auto from = static_cast<size_t>(order_[static_cast<size_t>(first + i)]);
    std::memcpy(images_.data() + static_cast<size_t>(i) * pixels, dataset_.images.data() + from * pixels,
                pixels);
    labels_[static_cast<size_t>(i)] = dataset_.labels[from];
  }
  return n;
}

}  // namespace sramsim
