// Rows of a sweep as CSV, JSON and a table for people.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "host/sweep/sweep.h"

namespace sramsim {

/// RFC 4180 with a header line: every setting, then accuracy, ideal_accuracy, images, seconds, device.
/// Accuracies are shares of 1 with all their digits.
std::string to_csv(std::span<const SweepRow> rows);

/// One object per row with the names of the CSV's columns.
nlohmann::json to_json_rows(std::span<const SweepRow> rows);

/// Settings that all rows share on a line of their own, the others as columns; accuracies in percent.
std::string to_table(std::span<const SweepRow> rows);

}  // namespace sramsim
