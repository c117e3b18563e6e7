// Accuracy and cost over a list of design points: fused passes over the dataset, one result per point.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "host/cost/cost.h"
#include "host/infer/evaluate.h"
#include "host/sweep/columns.h"
#include "host/sweep/work_units.h"

namespace sramsim {

struct SweepOptions {
  EvaluateOptions evaluate;     ///< stats_images: the images that set input bits are measured on
  size_t points_per_pass = 64;  ///< bounds the packed weights in memory and what a kill loses
  CostTable cost_table = default_cost_table();
  CostOptions cost;  ///< without bit densities: the measured ones are put in
};

/// Computes units of points; remembers the ideal accuracy of each network.
class SweepRunner {
 public:
  /// `keys`: of each point. All must outlive this.
  SweepRunner(Backend& backend, SweepNetworks& networks, const ImageSet& images,
              std::span<const SweepPoint> points, std::span<const std::string> keys,
              const SweepOptions& options)
      : backend_(backend),
        networks_(networks),
        image_set_(images),
        points_(points),
        keys_(keys),
        options_(options) {}

  /// In the order of the unit. A unit that fails is tried again point by point, so that one point that cannot
  /// be computed does not take its neighbours along: its result says why. Interrupted passes through.
  /// `progress`: share of the unit's images that are done, 0..1.
  std::vector<SweepResult> run(const WorkUnit& unit, const std::function<void(double)>& progress = {});
  /// The result of a point that was not computed.
  SweepResult failure(size_t point, const std::string& error) const;
  int64_t images() const;

 private:
  std::vector<SweepResult> evaluate_unit(const WorkUnit& unit, const std::function<void(double)>& progress);
  SweepResult blank(size_t point) const;

  Backend& backend_;
  SweepNetworks& networks_;
  const ImageSet& image_set_;
  std::span<const SweepPoint> points_;
  std::span<const std::string> keys_;
  const SweepOptions& options_;
  std::map<const QuantisedNetwork*, double> ideal_;
};

}  // namespace sramsim
