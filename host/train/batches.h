// Batches of a data set in the shuffled order of an epoch. The data set lies in the backend's memory for
// good: a step moves nothing from the host.
#pragma once

#include <cstdint>
#include <vector>

#include "datasets/idx.h"
#include "kernels/backend/backend.h"

namespace sramsim {

/// A permutation of 0..count-1 that depends on seed and epoch only (Fisher-Yates by Philox).
std::vector<int32_t> shuffled_order(int count, uint64_t seed, int epoch);

class BatchReader {
 public:
  /// Uploads the first `count` images. The order is that of the data set until shuffle().
  BatchReader(Backend& backend, const Dataset& dataset, int count, int batch);

  int count() const { return count_; }
  int steps() const { return (count_ + batch_ - 1) / batch_; }
  void shuffle(uint64_t seed, int epoch) { set_order(shuffled_order(count_, seed, epoch)); }
  /// Gathers batch `step` into images [batch,H,W] and labels [batch] in the backend's memory. Returns its
  /// images; the last batch may be short.
  int load(int step, uint8_t* images, uint8_t* labels);

 private:
  void set_order(const std::vector<int32_t>& order) { order_.upload(order.data()); }

  Backend* backend_;
  int count_, batch_;
  size_t pixels_;
  DeviceArray<uint8_t> images_, labels_;
  DeviceArray<int32_t> order_;
};

}  // namespace sramsim
