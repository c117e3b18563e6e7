#include "host/train/batches.h"

#include <algorithm>
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

BatchReader::BatchReader(Backend& backend, const Dataset& dataset, int count, int batch)
    : backend_(&backend),
      count_(count),
      batch_(batch),
      pixels_(static_cast<size_t>(dataset.h) * static_cast<size_t>(dataset.w)),
      images_(backend, static_cast<size_t>(count) * pixels_),
      labels_(backend, static_cast<size_t>(count)),
      order_(backend, static_cast<size_t>(count)) {
  images_.upload(dataset.images.data());
  labels_.upload(dataset.labels.data());
  std::vector<int32_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  set_order(order);
}

int BatchReader::load(int step, uint8_t* images, uint8_t* labels) {
  const int first = step * batch_;
  const int n = std::min(batch_, count_ - first);
  backend_->gather_batch(images_.data(), labels_.data(), order_.data(), first, n, pixels_, images, labels);
  return n;
}

}  // namespace sramsim
