// Memory for vector registers.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace sramsim {

/// Array on a cache line boundary.
template <typename T>
class AlignedArray {
 public:
  AlignedArray() = default;
  /// Zeroed.
  explicit AlignedArray(size_t count) : data_(new (kLine) T[count]()) {}
  static AlignedArray uninitialised(size_t count) {
    AlignedArray array;
    array.data_.reset(new (kLine) T[count]);
    return array;
  }
  T* get() const { return data_.get(); }

 private:
  static constexpr std::align_val_t kLine{64};
  struct Free {
    void operator()(T* data) const { ::operator delete[](data, kLine); }
  };
  std::unique_ptr<T[], Free> data_;
};

}  // namespace sramsim
