// Rows of a sweep as a table for people, and the points that a designer looks for.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "host/sweep/columns.h"

namespace sramsim {

/// Settings that all rows share on a line of their own, the others as columns; accuracies in percent.
std::string to_table(std::span<const SweepRow> rows);

/// The points alone: settings that vary, and why a point cannot be computed.
std::string to_point_table(std::span<const SweepRow> rows);

/// An array with one object per row.
nlohmann::json to_json_rows(std::span<const SweepRow> rows);

/// Among the rows that lose at most `within` (in units of 1: 0.005 is half a percent of the images) against
/// their ideal accuracy: the largest subarray with the fewest bits of a real converter, and the lowest
/// energy. Null where no row qualifies.
struct BestRows {
  const SweepRow* smallest_adc = nullptr;
  const SweepRow* lowest_energy = nullptr;
};
BestRows best_rows(std::span<const SweepRow> rows, double within);
std::string describe_best(std::span<const SweepRow> rows, double within);

/// The settings by which a row differs from the others: "subarray 64, adc_bits 5"; empty for an only row.
std::string describe_settings(const SweepRow& row, std::span<const SweepRow> rows);

}  // namespace sramsim
