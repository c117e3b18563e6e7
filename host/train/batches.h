// Batches of a data set in the shuffled order of an epoch.
#pragma once

#include <cstdint>
#include <vector>

#include "datasets/idx.h"

namespace sramsim {

/// A permutation of 0..count-1 that depends on seed and epoch only (Fisher-Yates by Philox).
std::vector<int32_t> shuffled_order(int count, uint64_t seed, int epoch);

class BatchReader {
 public:
  /// Takes the first `count` images; the data set must outlive the reader.
  BatchReader(const Dataset& dataset, int count, int batch);

  int count() const { return count_; }
  int steps() const { return (count_ + batch_ - 1) / batch_; }
  void shuffle(uint64_t seed, int epoch) { order_ = shuffled_order(count_, seed, epoch); }
  /// Images of batch `step`; the last one may be short.
  int load(int step);
  const uint8_t* images() const { return images_.data(); }
  const uint8_t* labels() const { return labels_.data(); }

 private:
  const Dataset& dataset_;
  int count_, batch_;
  std::vector<int32_t> order_;
  std::vector<uint8_t> images_, labels_;
};

}  // namespace sramsim
