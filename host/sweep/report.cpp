#include "host/sweep/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "host/sweep/array_axes.h"
#include "host/util/table.h"

namespace sramsim {
namespace {

struct Column {
  std::string name;
  bool setting;
  bool text;  ///< a string in JSON; else a number or a truth value
  std::function<std::string(const SweepRow&)> value;
};

std::vector<Column> make_columns() {
  std::vector<Column> columns = {
      {"wbits", true, false, [](const SweepRow& r) { return std::to_string(r.point.weight_bits); }},
      {"abits", true, false, [](const SweepRow& r) { return std::to_string(r.point.act_bits); }},
      {"map_linear", true, false,
       [](const SweepRow& r) { return std::string(r.point.map_linear ? "true" : "false"); }},
  };
  for (const ArrayAxis& axis : array_axes()) {
    std::string name = axis.name;
    std::replace(name.begin(), name.end(), '-', '_');
    columns.push_back(
        {name, true, !axis.numeric, [&axis](const SweepRow& r) { return axis.text(r.point.array); }});
  }
  // fmt writes the shortest text that reads back as the same double.
  columns.push_back(
      {"accuracy", false, false, [](const SweepRow& r) { return fmt::format("{}", r.accuracy); }});
  columns.push_back({"ideal_accuracy", false, false,
                     [](const SweepRow& r) { return fmt::format("{}", r.ideal_accuracy); }});
  columns.push_back({"images", false, false, [](const SweepRow& r) { return std::to_string(r.images); }});
  columns.push_back(
      {"seconds", false, false, [](const SweepRow& r) { return fmt::format("{:.6f}", r.seconds); }});
  columns.push_back({"device", false, true, [](const SweepRow& r) { return r.device; }});
  return columns;
}

const std::vector<Column>& columns() {
  static const std::vector<Column> made = make_columns();
  return made;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted(1, '"');
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  quoted.push_back('"');
  return quoted;
}

bool varies(const Column& column, std::span<const SweepRow> rows) {
  return std::any_of(rows.begin(), rows.end(),
                     [&](const SweepRow& r) { return column.value(r) != column.value(rows.front()); });
}

std::string percent(double share) {
  return fmt::format("{:.2f}", share * 100);
}

}  // namespace

std::string to_csv(std::span<const SweepRow> rows) {
  std::vector<std::string> cells;
  for (const Column& c : columns()) cells.push_back(c.name);
  std::string text = fmt::format("{}\n", fmt::join(cells, ","));
  for (const SweepRow& row : rows) {
    cells.clear();
    for (const Column& c : columns()) cells.push_back(csv_field(c.value(row)));
    text += fmt::format("{}\n", fmt::join(cells, ","));
  }
  return text;
}

nlohmann::json to_json_rows(std::span<const SweepRow> rows) {
  auto list = nlohmann::json::array();
  for (const SweepRow& row : rows) {
    nlohmann::json object;
    for (const Column& c : columns())
      object[c.name] = c.text ? nlohmann::json(c.value(row)) : nlohmann::json::parse(c.value(row));
    list.push_back(std::move(object));
  }
  return list;
}

std::string to_table(std::span<const SweepRow> rows) {
  if (rows.empty()) return "no rows\n";
  std::string shared;
  std::vector<const Column*> shown;
  std::vector<std::string> header;
  for (const Column& c : columns()) {
    if (!c.setting) continue;
    if (varies(c, rows)) {
      shown.push_back(&c);
      header.push_back(c.name);
    } else {
      shared += fmt::format("{}{} {}", shared.empty() ? "" : ", ", c.name, c.value(rows.front()));
    }
  }
  for (const char* name : {"accuracy %", "ideal %", "difference"}) header.emplace_back(name);
  TextTable table(header);
  for (const SweepRow& row : rows) {
    std::vector<std::string> cells;
    for (const Column* c : shown) cells.push_back(c->value(row));
    cells.push_back(percent(row.accuracy));
    cells.push_back(percent(row.ideal_accuracy));
    cells.push_back(fmt::format("{:+.2f}", (row.accuracy - row.ideal_accuracy) * 100));
    table.add(std::move(cells));
  }
  return shared + "\n\n" + table.str();
}

}  // namespace sramsim
