#include "host/sweep/workers.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "host/util/interrupt.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

constexpr auto kLook = std::chrono::milliseconds(100);  // at the progress of units under way

/// Ends a worker amid a unit; nobody but the worker sees it.
struct Stopped {};

class Crew {
 public:
  Crew(std::span<const WorkerPlace> places, const SweepWork& work, std::span<const WorkUnit> units)
      : work_(work), units_(units), order_(largest_first(units)), under_way_(places.size()) {
    working_ = places.size();
    try {
      for (size_t k = 0; k < places.size(); ++k)
        threads_.emplace_back([this, k, place = places[k]] { run(k, place); });
    } catch (...) {
      stop_ = true;  // those that did start are waited for
      throw;
    }
  }
  ~Crew() { stop_ = true; }  // before the threads are waited for

  struct Ready {
    const WorkUnit* unit;
    std::vector<SweepResult> results;
  };
  /// What became ready, after waiting a little; `ended`: nothing more will come.
  std::vector<Ready> wait(bool& ended) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kLook, [&] { return !ready_.empty() || working_ == 0; });
    ended = working_ == 0;
    return std::exchange(ready_, {});
  }
  double under_way() const {
    double points = 0;
    for (const auto& p : under_way_) points += p;
    return points;
  }
  /// Once all have ended.
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void run(size_t k, const WorkerPlace& place) {
    try {
      // A device belongs to the thread that opened it.
      const auto backend = open(place);
      if (!backend) return;
      SweepNetworks networks(*backend, work_.checkpoints);
      SweepRunner runner(*backend, networks, work_.images, work_.points, work_.keys, work_.options);
      while (const WorkUnit* unit = next()) {
        auto results = runner.run(*unit, [&](double share) {
          if (stop_) throw Stopped{};
          under_way_[k] = share * static_cast<double>(unit->size());
        });
        const std::lock_guard lock(mutex_);
        under_way_[k] = 0.0;
        ready_.push_back({unit, std::move(results)});
        changed_.notify_one();
      }
    } catch (const Stopped&) {
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      stop_ = true;
    }
    const std::lock_guard lock(mutex_);
    --working_;
    changed_.notify_one();
  }

  /// Null where a device cannot be used but another worker is left: the others do its share.
  std::unique_ptr<Backend> open(const WorkerPlace& place) {
    try {
      return make_backend(place.device, place.threads);
    } catch (const RunError& e) {
      const std::lock_guard lock(mutex_);
      if (working_ == 1) throw;
      if (work_.options.evaluate.note) work_.options.evaluate.note(e.what());
      --working_;
      changed_.notify_one();
      return nullptr;
    }
  }

  const WorkUnit* next() {
    throw_if_interrupted();
    const size_t k = next_++;
    return stop_ || k >= order_.size() ? nullptr : &units_[order_[k]];
  }

  const SweepWork& work_;
  std::span<const WorkUnit> units_;
  std::vector<size_t> order_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::atomic<double>> under_way_;  ///< by worker, in points
  std::mutex mutex_;                            ///< guards what follows
  std::condition_variable changed_;
  std::vector<Ready> ready_;
  size_t working_ = 0;
  std::exception_ptr failure_;
  std::vector<std::jthread> threads_;  ///< last: they use all of the above
};

}  // namespace

int usable_gpus(const std::string& device) {
  return device == "cpu" ? 0 : device_count("cuda");
}

std::vector<WorkerPlace> worker_places(const std::string& device, int threads, int wanted, int gpus) {
  const int count = wanted > 0 ? wanted : std::max(1, gpus);
  if (count == 1) return {{device, threads}};
  const int cores = threads > 0 ? threads : omp_get_max_threads();
  std::vector<WorkerPlace> places;
  for (int k = 0; k < count; ++k)
    places.push_back({gpus > 0 ? fmt::format("cuda:{}", k % gpus) : device, std::max(1, cores / count)});
  return places;
}

void work_side_by_side(std::span<const WorkerPlace> places, const SweepWork& work,
                       std::span<const WorkUnit> units,
                       const std::function<void(const WorkUnit&, std::vector<SweepResult>)>& on_results,
                       const std::function<void(double points)>& progress) {
  Crew crew(places, work, units);
  for (bool ended = false; !ended;) {
    for (Crew::Ready& ready : crew.wait(ended)) on_results(*ready.unit, std::move(ready.results));
    progress(crew.under_way());
  }
  crew.rethrow();
}

}  // namespace sramsim
