#include "host/sweep/columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "host/cost/cost_report.h"
#include "host/util/version.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

using R = SweepResult;

void add_settings(std::vector<SweepColumn>& columns) {
  for (const PointSetting& setting : point_settings())
    columns.push_back({column_name(setting.name), true, setting.text,
                       [&setting](const R& r) { return setting.value(r.point); }});
  columns.push_back({"layer_settings", true, true, [](const R& r) { return describe_layers(r.point); }});
}

/// A column that stays empty at a failed point.
SweepColumn result(const char* name, std::string (*value)(const R&)) {
  return {name, false, false, [value](const R& r) { return r.error.empty() ? value(r) : std::string(); }};
}

SweepColumn of_cost(const std::string& name, bool text, std::function<std::string(const CostReport&)> value) {
  return {name, false, text,
          [value = std::move(value)](const R& r) { return r.cost ? value(*r.cost) : std::string(); }};
}

void add_costs(std::vector<SweepColumn>& columns) {
  columns.push_back(of_cost("adc_cost", true, [](const CostReport& c) { return c.adc_model; }));
  columns.push_back(of_cost("cost_table", true, [](const CostReport& c) { return c.table; }));
  columns.push_back(of_cost("array_columns", false,
                            [](const CostReport& c) { return std::to_string(c.geometry.columns); }));
  columns.push_back(of_cost("columns_per_adc", false,
                            [](const CostReport& c) { return std::to_string(c.geometry.columns_per_adc); }));
  for (const CostColumn& column : cost_columns())
    columns.push_back(
        of_cost(column.name, false, [&column](const CostReport& c) { return format_cost(column, c); }));
}

std::vector<SweepColumn> make_columns() {
  std::vector<SweepColumn> columns;
  add_settings(columns);
  // fmt writes the shortest text that reads back as the same double.
  columns.push_back(result("accuracy", [](const R& r) { return fmt::format("{}", r.accuracy); }));
  columns.push_back(result("ideal_accuracy", [](const R& r) { return fmt::format("{}", r.ideal_accuracy); }));
  columns.push_back({"images", false, false, [](const R& r) { return std::to_string(r.images); }});
  columns.push_back({"seconds", false, false, [](const R& r) { return fmt::format("{:.6f}", r.seconds); }});
  columns.push_back({"device", false, true, [](const R& r) { return r.device; }});
  columns.push_back(
      {"status", false, true, [](const R& r) { return std::string(r.error.empty() ? "ok" : "failed"); }});
  columns.push_back({"error", false, true, [](const R& r) { return r.error; }});
  add_costs(columns);
  columns.push_back({"version", false, true, [](const R&) { return version_line(); }});
  columns.push_back({"schema_version", false, false, [](const R&) { return std::to_string(kSweepSchema); }});
  columns.push_back({"key", false, true, [](const R& r) { return r.key; }});
  return columns;
}

}  // namespace

const std::vector<SweepColumn>& sweep_columns() {
  static const std::vector<SweepColumn> made = make_columns();
  return made;
}

size_t column_index(const std::string& name) {
  const auto& all = sweep_columns();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const SweepColumn& c) { return c.name == name; });
  if (found == all.end()) throw RunError(fmt::format("a sweep has no column '{}'", name));
  return static_cast<size_t>(found - all.begin());
}

SweepRow to_row(const SweepResult& result) {
  SweepRow row;
  for (const SweepColumn& column : sweep_columns()) {
    row.push_back(column.value(result));
    std::replace_if(
        row.back().begin(), row.back().end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  }
  return row;
}

bool failed(const SweepRow& row) {
  static const size_t status = column_index("status");
  return row[status] != "ok";
}

double number(const SweepRow& row, const std::string& column) {
  const std::string& cell = row[column_index(column)];
  double value = 0.0;
  std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return value;
}

nlohmann::json to_json(const SweepRow& row) {
  nlohmann::json object;
  for (size_t i = 0; i < row.size(); ++i) {
    const SweepColumn& column = sweep_columns()[i];
    if (column.text) {
      object[column.name] = row[i];
    } else {
      object[column.name] = row[i].empty() ? nlohmann::json() : nlohmann::json::parse(row[i], nullptr, false);
    }
  }
  return object;
}

}  // namespace sramsim
