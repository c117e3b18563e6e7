#include "host/sweep/estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace sramsim {
namespace {

constexpr size_t kUnits = 4;

}  // namespace

Estimate estimate_sweep(Backend& backend, SweepNetworks& networks, const Dataset& dataset,
                        std::span<const SweepPoint> points, std::span<const std::string> keys,
                        std::span<const WorkUnit> units, const SweepOptions& options) {
  if (units.empty()) return {0.0, "nothing to compute"};
  const auto seconds_of = [&](const WorkUnit& unit, int64_t images) {
    SweepOptions some = options;
    some.evaluate.limit = images;
    SweepRunner runner(backend, networks, dataset, points, keys, some);
    const auto start = std::chrono::steady_clock::now();
    runner.run(unit);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const int64_t few = backend.preferred_batch() / 8, more = 3 * few;  // images of the two measurements
  SweepOptions whole = options;
  const int64_t images = SweepRunner(backend, networks, dataset, points, keys, whole).images();
  const size_t measured = std::min(kUnits, units.size());
  double per_point = 0.0, once = 0.0;  // seconds per image and point; seconds per point
  size_t measured_points = 0, all_points = 0;
  for (size_t i = 0; i < measured; ++i) {
    const WorkUnit& unit = units[i * units.size() / measured];
    const double short_run = seconds_of(unit, few), long_run = std::max(short_run, seconds_of(unit, more));
    const double slope = (long_run - short_run) / static_cast<double>(more - few);
    per_point += slope;
    once += std::max(0.0, short_run - slope * static_cast<double>(few));
    measured_points += unit.size();
  }
  for (const WorkUnit& unit : units) all_points += unit.size();
  const double scale = static_cast<double>(all_points) / static_cast<double>(measured_points);
  return {(per_point * static_cast<double>(images) + once) * scale,
          fmt::format("measured on {} and {} images of {} of {} pass{}", few, more, measured, units.size(),
                      units.size() == 1 ? "" : "es")};
}

}  // namespace sramsim
