#include "host/sweep/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>

#include "host/sweep/grid.h"
#include "kernels/core/error.h"
#include "kernels/cuda/profile_range.h"

namespace sramsim {
namespace {

using Widths = std::pair<int, int>;  ///< weight bits, activation bits

Widths widths(const SweepPoint& p) {
  return {p.weight_bits, p.act_bits};
}

/// Points [begin, end) of one network that share a pass.
struct Pass {
  size_t begin, end;
};

std::vector<Pass> split_into_passes(const std::vector<SweepPoint>& points, size_t most) {
  std::vector<Pass> passes;
  for (size_t begin = 0; begin < points.size();) {
    size_t end = begin + 1;
    while (end < points.size() && end - begin < most && widths(points[end]) == widths(points[begin])) ++end;
    passes.push_back({begin, end});
    begin = end;
  }
  return passes;
}

DesignPoint design_point(const QuantisedNetwork& network, const SweepPoint& p) {
  return uniform_point(network, p.array, p.map_linear);
}

void check_point(const QuantisedNetwork& network, const SweepPoint& p) {
  const DesignPoint point = design_point(network, p);
  try {
    for (int l = 0; l < static_cast<int>(point.layers.size()); ++l)
      make_layer_spec(network, l, point.layers[l]);
  } catch (const InputError& e) {
    throw InputError(fmt::format("point {}: {}", describe(p), e.what()));
  }
}

class Sweep {
 public:
  Sweep(Backend& backend, const Checkpoint& checkpoint, const Dataset& dataset, const SweepOptions& options)
      : backend_(backend), checkpoint_(checkpoint), dataset_(dataset), options_(options) {}

  std::vector<SweepRow> run(const std::vector<SweepPoint>& points) {
    for (const SweepPoint& p : points) check_point(network(widths(p)), p);
    const auto passes = split_into_passes(points, static_cast<size_t>(std::max(1, options_.points_per_pass)));
    for (size_t i = 0; i < passes.size(); ++i) {
      run_pass(points, passes[i], i, passes.size());
      if (options_.on_rows) options_.on_rows(rows_);
    }
    return std::move(rows_);
  }

 private:
  const QuantisedNetwork& network(const Widths& w) {
    auto& made = networks_[w];
    if (!made) made = std::make_unique<QuantisedNetwork>(backend_, checkpoint_, w.first, w.second);
    return *made;
  }

  void run_pass(const std::vector<SweepPoint>& points, const Pass& pass, size_t index, size_t count) {
    const ProfileRange range("sweep pass");
    const Widths w = widths(points[pass.begin]);
    std::vector<DesignPoint> wanted;
    for (size_t p = pass.begin; p < pass.end; ++p) wanted.push_back(design_point(network(w), points[p]));
    const bool with_ideal = !ideal_.contains(w);
    if (with_ideal) wanted.push_back(ideal_point(network(w)));

    EvaluateOptions evaluation = options_.evaluate;
    if (options_.evaluate.progress)
      evaluation.progress = [&](int64_t done, int64_t total) {
        options_.evaluate.progress(static_cast<int64_t>(index) * total + done,
                                   static_cast<int64_t>(count) * total);
      };
    const auto start = std::chrono::steady_clock::now();
    const auto results = evaluate(backend_, network(w), dataset_, wanted, evaluation);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

    if (with_ideal) ideal_[w] = results.back().accuracy();
    for (size_t p = pass.begin; p < pass.end; ++p) {
      const PointResult& r = results[p - pass.begin];
      rows_.push_back({points[p], r.accuracy(), ideal_[w], r.images,
                       seconds / static_cast<double>(pass.end - pass.begin), backend_.describe()});
    }
  }

  Backend& backend_;
  const Checkpoint& checkpoint_;
  const Dataset& dataset_;
  const SweepOptions& options_;
  std::map<Widths, std::unique_ptr<QuantisedNetwork>> networks_;
  std::map<Widths, double> ideal_;
  std::vector<SweepRow> rows_;
};

}  // namespace

std::vector<SweepRow> run_sweep(Backend& backend, const Checkpoint& checkpoint, const Dataset& dataset,
                                const std::vector<SweepPoint>& points, const SweepOptions& options) {
  return Sweep(backend, checkpoint, dataset, options).run(points);
}

}  // namespace sramsim
