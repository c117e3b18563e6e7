#include "datasets/image_set.h"

#include <algorithm>

namespace sramsim {
namespace {

class MemoryReader final : public ImageReader {
 public:
  MemoryReader(const uint8_t* images, int64_t pixels) : next_(images), pixels_(pixels) {}
  void read(int n, uint8_t* to) override {
    std::copy_n(next_, n * pixels_, to);
    next_ += n * pixels_;
  }

 private:
  const uint8_t* next_;
  int64_t pixels_;
};

}  // namespace

std::unique_ptr<ImageReader> ImagesInMemory::open() const {
  return std::make_unique<MemoryReader>(data_.images.data(), pixels());
}

}  // namespace sramsim
