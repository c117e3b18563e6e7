// The columns of a sweep's rows, each once: CSV, JSON, tables and the check of an existing file go through
// this list. A row is kept as the text of its cells, so that a row that was read back is the row that was
// written.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/cost/cost.h"
#include "host/sweep/point.h"

namespace sramsim {

/// Counts up whenever a column appears, goes or changes its meaning.
inline constexpr int kSweepSchema = 2;

/// What was found out about one point.
struct SweepResult {
  SweepPoint point;
  std::string key;              ///< what the numbers depend on beside the settings (row_key.h)
  std::string error;            ///< why it failed; empty: it did not, and the accuracies are valid
  double accuracy = 0.0;        ///< 0..1
  double ideal_accuracy = 0.0;  ///< the same network with every layer exact
  int64_t images = 0;
  double seconds = 0.0;  ///< this point's share of its pass: wall time / points in the pass
  std::string device;
  std::optional<CostReport> cost;  ///< with the measured share of set input bits
};

struct SweepColumn {
  std::string name;
  bool setting;
  bool text;  ///< a string in JSON; else a number or a truth value, null where the cell is empty
  std::function<std::string(const SweepResult&)> value;
};

/// Every setting, layer_settings; accuracy, ideal_accuracy (shares of 1 with all their digits), images,
/// seconds, device; status (ok or failed), error; adc_cost, cost_table, array_columns, columns_per_adc and
/// cost_columns(); version, schema_version, key.
const std::vector<SweepColumn>& sweep_columns();
/// Where a column stands.
size_t column_index(const std::string& name);

using SweepRow = std::vector<std::string>;  ///< one cell per column

SweepRow to_row(const SweepResult& result);
bool failed(const SweepRow& row);
/// A cell as a number; 0 where it is none.
double number(const SweepRow& row, const std::string& column);
/// An object with the names of the columns.
nlohmann::json to_json(const SweepRow& row);

}  // namespace sramsim
