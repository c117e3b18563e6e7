#include "host/sweep/sweep.h"

#include <algorithm>
#include <chrono>
#include <new>

#include "kernels/core/error.h"
#include "kernels/cuda/profile_range.h"

namespace sramsim {

int64_t SweepRunner::images() const {
  const int64_t limit = options_.evaluate.limit;
  return limit > 0 ? std::min<int64_t>(limit, image_set_.count()) : image_set_.count();
}

SweepResult SweepRunner::blank(size_t point) const {
  SweepResult result;
  result.point = points_[point];
  result.key = keys_[point];
  result.device = backend_.describe();
  return result;
}

SweepResult SweepRunner::failure(size_t point, const std::string& error) const {
  SweepResult result = blank(point);
  result.error = error.empty() ? "failed" : error;
  return result;
}

std::vector<SweepResult> SweepRunner::run(const WorkUnit& unit, const std::function<void(double)>& progress) {
  std::string error;
  try {
    return evaluate_unit(unit, progress);
  } catch (const ImagesChanged&) {
    throw;
  } catch (const InputError& e) {
    error = e.what();
  } catch (const RunError& e) {
    error = e.what();
  } catch (const std::bad_alloc&) {
    error = "out of memory";
  }
  if (unit.size() == 1) return {failure(unit.front(), error)};
  std::vector<SweepResult> results;
  for (size_t i = 0; i < unit.size(); ++i)
    results.push_back(run({unit[i]}, [&](double share) {
                        if (progress)
                          progress((static_cast<double>(i) + share) / static_cast<double>(unit.size()));
                      }).front());
  return results;
}

std::vector<SweepResult> SweepRunner::evaluate_unit(const WorkUnit& unit,
                                                    const std::function<void(double)>& progress) {
  const ProfileRange range("sweep pass");
  const QuantisedNetwork& network = networks_.of(points_[unit.front()]);
  std::vector<DesignPoint> wanted;
  for (const size_t p : unit) wanted.push_back(design_point(network, points_[p]));
  const bool with_ideal = !ideal_.contains(&network);
  if (with_ideal) wanted.push_back(ideal_point(network));

  EvaluateOptions evaluation = options_.evaluate;
  evaluation.histograms = false;
  if (progress)
    evaluation.progress = [&](int64_t done, int64_t total) {
      progress(static_cast<double>(done) / static_cast<double>(total));
    };
  const auto start = std::chrono::steady_clock::now();
  const auto found = evaluate(backend_, network, image_set_, wanted, evaluation);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (with_ideal) ideal_[&network] = found.back().accuracy();

  std::vector<SweepResult> results;
  for (size_t i = 0; i < unit.size(); ++i) {
    SweepResult result = blank(unit[i]);
    result.accuracy = found[i].accuracy();
    result.ideal_accuracy = ideal_[&network];
    result.images = found[i].images;
    result.seconds = seconds.count() / static_cast<double>(unit.size());
    CostOptions cost = options_.cost;
    cost.bit_density.clear();
    if (options_.evaluate.stats_images > 0)
      for (const LayerStatistics& layer : found[i].layers)
        cost.bit_density.push_back(layer.input_bit_density);
    result.cost = cost_of(network.spec(), wanted[i].layers, options_.cost_table, cost);
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace sramsim
