#include "host/infer/image_feed.h"

#include <algorithm>

namespace sramsim {

ImageFeed::ImageFeed(const ImageSet& images, int64_t total, int batch)
    : reader_(images.open()), pixels_(images.pixels()), left_(total), batch_(batch) {
  now_.resize(static_cast<size_t>(batch * pixels_));
  ahead_.resize(now_.size());
  read_ahead();
}

void ImageFeed::read_ahead() {
  const int n = static_cast<int>(std::min<int64_t>(batch_, left_));
  left_ -= n;
  if (n > 0) reading_ = std::async(std::launch::async, [this, n] { reader_->read(n, ahead_.data()); });
}

const uint8_t* ImageFeed::next() {
  if (reading_.valid()) reading_.get();
  std::swap(now_, ahead_);
  read_ahead();
  return now_.data();
}

}  // namespace sramsim
