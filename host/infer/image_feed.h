// Images step by step for one pass over a set.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <vector>

#include "datasets/image_set.h"

namespace sramsim {

/// Another thread reads the next step while the current one is computed: inflating a gzipped file takes a few
/// microseconds per image, which a GPU would wait for.
class ImageFeed {
 public:
  /// Steps of `batch` >= 1 images, `total` in all, the first of the set. ImagesChanged as ImageSet::open().
  ImageFeed(const ImageSet& images, int64_t total, int batch);
  ImageFeed(const ImageFeed&) = delete;
  ImageFeed& operator=(const ImageFeed&) = delete;
  /// The images [batch,h,w] of the next step (the last one may have fewer), valid until the call after.
  /// ImagesChanged if they cannot be read any more.
  const uint8_t* next();

 private:
  void read_ahead();

  std::unique_ptr<ImageReader> reader_;
  int64_t pixels_, left_;
  int batch_;
  std::vector<uint8_t> now_, ahead_;
  std::future<void> reading_;  ///< into ahead_; waits when it is destroyed
};

}  // namespace sramsim
