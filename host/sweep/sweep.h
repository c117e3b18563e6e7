// Accuracy over a list of design points: fused passes over the dataset, one row per point.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "host/infer/evaluate.h"
#include "host/sweep/grid.h"

namespace sramsim {

struct SweepRow {
  SweepPoint point;
  double accuracy = 0.0;        ///< 0..1
  double ideal_accuracy = 0.0;  ///< the same network with every layer exact
  int64_t images = 0;
  double seconds = 0.0;  ///< this point's share of its pass: wall time / points in the pass
  std::string device;
};

struct SweepOptions {
  EvaluateOptions evaluate;   ///< its `progress` counts images over all passes
  int points_per_pass = 256;  ///< bounds the packed weights in memory
  /// All rows so far, after every pass.
  std::function<void(std::span<const SweepRow>)> on_rows;
};

/// Rows in the order of `points`. Points of one network (bit widths) that stand together share passes.
/// InputError naming the point for settings that do not fit, before anything is computed.
std::vector<SweepRow> run_sweep(Backend& backend, const Checkpoint& checkpoint, const Dataset& dataset,
                                const std::vector<SweepPoint>& points, const SweepOptions& options);

}  // namespace sramsim
