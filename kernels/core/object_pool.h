// Objects that are used again.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace sramsim {

/// As many objects as were ever leased at the same time. Thread-safe. Must outlive its leases.
template <class T>
class ObjectPool {
  struct GiveBack {
    void operator()(T* object) const { pool->give_back(std::unique_ptr<T>(object)); }
    ObjectPool* pool;
  };

 public:
  using Lease = std::unique_ptr<T, GiveBack>;

  /// An object as its last user left it, or a new one.
  Lease lease() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) {
      free_.reserve(objects_ + 1);  // giving back must not fail
      Lease lease(new T, GiveBack{this});
      ++objects_;
      return lease;
    }
    Lease lease(free_.back().release(), GiveBack{this});
    free_.pop_back();
    return lease;
  }

 private:
  void give_back(std::unique_ptr<T> object) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(object));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> free_;
  size_t objects_ = 0;
};

}  // namespace sramsim
