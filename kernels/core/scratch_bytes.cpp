#include "kernels/core/scratch_bytes.h"

#include <cstdlib>
#include <new>

namespace sramsim {

ScratchBytes::~ScratchBytes() {
  std::free(data_);
}

void* ScratchBytes::reserve(size_t bytes) {
  if (bytes > size_) {
    std::free(data_);
    size_ = (bytes + 63) / 64 * 64;
    data_ = std::aligned_alloc(64, size_);
    if (!data_) {
      size_ = 0;
      throw std::bad_alloc();
    }
  }
  return data_;
}

}  // namespace sramsim
