#include "host/sweep/estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "kernels/core/division.h"

namespace sramsim {
namespace {

constexpr size_t kUnits = 4;
constexpr int64_t kFewImages = 64;  // at least: what takes long enough to time
constexpr int kRuns = 2;            // of each measurement; the fastest counts

}  // namespace

Estimate estimate_sweep(Backend& backend, SweepNetworks& networks, const ImageSet& images,
                        std::span<const SweepPoint> points, std::span<const std::string> keys,
                        std::span<const WorkUnit> units, const SweepOptions& options) {
  if (units.empty()) return {0.0, "nothing to compute"};
  const int64_t all = SweepRunner(backend, networks, images, points, keys, options).images();
  // Images of the two measurements: steps of a fraction of the usual size would cost more per image.
  const int64_t batch = backend.preferred_batch();
  const int64_t more = std::min(all, 3 * ceil_div(kFewImages, batch) * batch);
  const int64_t few = std::max<int64_t>(1, more / 3);
  SweepOptions on_few = options, on_more = options;
  on_few.evaluate.limit = few, on_more.evaluate.limit = more;
  SweepRunner few_images(backend, networks, images, points, keys, on_few);
  SweepRunner more_images(backend, networks, images, points, keys, on_more);
  // The first run of a network also computes its ideal accuracy, which a sweep does once, and starts threads.
  const auto seconds_of = [](SweepRunner& runner, const WorkUnit& unit) {
    double best = std::numeric_limits<double>::max();
    for (int k = 0; k < kRuns; ++k) {
      const auto start = std::chrono::steady_clock::now();
      runner.run(unit);
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
  };
  const size_t measured = std::min(kUnits, units.size());
  double per_point = 0.0, once = 0.0;  // seconds per image and point; seconds per point
  size_t measured_points = 0, all_points = 0;
  for (size_t i = 0; i < measured; ++i) {
    const WorkUnit& unit = units[i * units.size() / measured];
    const double short_run = seconds_of(few_images, unit);
    const double long_run = std::max(short_run, seconds_of(more_images, unit));
    const double slope = more > few ? (long_run - short_run) / static_cast<double>(more - few) : long_run;
    per_point += slope;
    once += std::max(0.0, short_run - slope * static_cast<double>(few));
    measured_points += unit.size();
  }
  for (const WorkUnit& unit : units) all_points += unit.size();
  const double scale = static_cast<double>(all_points) / static_cast<double>(measured_points);
  return {(per_point * static_cast<double>(all) + once) * scale,
          fmt::format("measured on {} and {} images of {} of {} pass{}", few, more, measured, units.size(),
                      units.size() == 1 ? "" : "es")};
}

}  // namespace sramsim
