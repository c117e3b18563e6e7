#include "host/cli/sweep_histograms.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/infer/evaluate.h"
#include "host/sweep/report.h"

namespace sramsim {
namespace {

/// Null if all points failed.
const SweepRow* named_row(std::span<const SweepRow> rows, double within) {
  const BestRows best = best_rows(rows, within);
  if (best.smallest_adc) return best.smallest_adc;
  const SweepRow* most_accurate = nullptr;
  for (const SweepRow& row : rows)
    if (!failed(row) && (!most_accurate || number(row, "accuracy") > number(*most_accurate, "accuracy")))
      most_accurate = &row;
  return most_accurate;
}

}  // namespace

PointHistograms count_partial_sums(SweepJob& job, std::span<const SweepRow> rows, double within,
                                   int64_t images) {
  const SweepRow* row = images > 0 ? named_row(rows, within) : nullptr;
  if (!row) return {};
  const SweepPoint& point = job.points[static_cast<size_t>(row - rows.data())];
  const QuantisedNetwork& network = job.networks->of(point);
  EvaluateOptions options = job.options.evaluate;
  options.limit = options.limit > 0 ? std::min(options.limit, images) : images;
  options.stats_images = options.limit;
  options.histograms = true;
  options.verbose = false;
  const auto found = evaluate(*job.backend, network, *job.images, {design_point(network, point)}, options);
  if (found.front().partial_sums.empty()) return {};
  const int64_t counted = found.front().images;
  return {
      to_csv(found.front().partial_sums),
      fmt::format("{}, first {} image{}", describe_settings(*row, rows), counted, counted == 1 ? "" : "s")};
}

}  // namespace sramsim
