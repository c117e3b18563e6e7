#include "host/sweep/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>
#include <vector>

#include "host/util/table.h"

namespace sramsim {
namespace {

bool varies(size_t column, std::span<const SweepRow> rows) {
  return std::any_of(rows.begin(), rows.end(),
                     [&](const SweepRow& r) { return r[column] != rows.front()[column]; });
}

/// Columns of settings that differ between rows.
std::vector<size_t> varying_settings(std::span<const SweepRow> rows) {
  std::vector<size_t> found;
  for (size_t i = 0; i < sweep_columns().size(); ++i)
    if (sweep_columns()[i].setting && varies(i, rows)) found.push_back(i);
  return found;
}

std::string shared_settings(std::span<const SweepRow> rows) {
  std::string text;
  for (size_t i = 0; i < sweep_columns().size(); ++i)
    if (sweep_columns()[i].setting && !varies(i, rows) && !rows.front()[i].empty())
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", sweep_columns()[i].name, rows.front()[i]);
  return text;
}

std::string percent(double share) {
  return fmt::format("{:.2f}", share * 100);
}

/// The settings by which a row differs from the others, and what it reaches.
std::string describe_row(const SweepRow& row, std::span<const SweepRow> rows) {
  const std::string text = describe_settings(row, rows);
  return fmt::format("{}: {} %, {} nJ per image", text.empty() ? "the only point" : text,
                     percent(number(row, "accuracy")), row[column_index("energy_nj")]);
}

}  // namespace

std::string describe_settings(const SweepRow& row, std::span<const SweepRow> rows) {
  std::string text;
  for (const size_t i : varying_settings(rows))
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", sweep_columns()[i].name, row[i]);
  return text;
}

std::string to_table(std::span<const SweepRow> rows) {
  if (rows.empty()) return "no rows\n";
  const auto shown = varying_settings(rows);
  std::vector<std::string> header;
  for (const size_t i : shown) header.push_back(sweep_columns()[i].name);
  for (const char* name : {"accuracy %", "ideal %", "difference", "energy nJ", "latency us", "area mm2"})
    header.emplace_back(name);
  TextTable table(header);
  for (const SweepRow& row : rows) {
    std::vector<std::string> cells;
    for (const size_t i : shown) cells.push_back(row[i]);
    if (failed(row)) {
      cells.emplace_back("failed");
    } else {
      const double accuracy = number(row, "accuracy"), ideal = number(row, "ideal_accuracy");
      cells.insert(cells.end(),
                   {percent(accuracy), percent(ideal), fmt::format("{:+.2f}", (accuracy - ideal) * 100)});
      for (const char* name : {"energy_nj", "latency_us", "area_mm2"})
        cells.push_back(row[column_index(name)]);
    }
    cells.resize(header.size());
    table.add(std::move(cells));
  }
  return shared_settings(rows) + "\n\n" + table.str();
}

std::string to_point_table(std::span<const SweepRow> rows) {
  const auto shown = varying_settings(rows);
  const bool all_fit = std::none_of(rows.begin(), rows.end(), failed);
  std::vector<std::string> header{"point"};
  for (const size_t i : shown) header.push_back(sweep_columns()[i].name);
  if (!all_fit) header.emplace_back("does not fit");
  TextTable table(header);
  for (size_t r = 0; r < rows.size(); ++r) {
    std::vector<std::string> cells{std::to_string(r + 1)};
    for (const size_t i : shown) cells.push_back(rows[r][i]);
    if (!all_fit) cells.push_back(rows[r][column_index("error")]);
    table.add(std::move(cells));
  }
  return shared_settings(rows) + "\n\n" + table.str();
}

nlohmann::json to_json_rows(std::span<const SweepRow> rows) {
  auto list = nlohmann::json::array();
  for (const SweepRow& row : rows) list.push_back(to_json(row));
  return list;
}

BestRows best_rows(std::span<const SweepRow> rows, double within) {
  // Accuracies are multiples of 1/images: a loss of exactly `within` must not fall to rounding.
  constexpr double kTie = 1e-12;
  const auto rank = [](const SweepRow& row) {
    return std::tuple(-number(row, "subarray"), number(row, "adc_bits"), -number(row, "accuracy"),
                      number(row, "energy_nj"));
  };
  BestRows best;
  for (const SweepRow& row : rows) {
    if (failed(row) || number(row, "ideal_accuracy") - number(row, "accuracy") > within + kTie) continue;
    if (number(row, "adc_bits") > 0 && (!best.smallest_adc || rank(row) < rank(*best.smallest_adc)))
      best.smallest_adc = &row;
    if (!best.lowest_energy || number(row, "energy_nj") < number(*best.lowest_energy, "energy_nj"))
      best.lowest_energy = &row;
  }
  return best;
}

std::string describe_best(std::span<const SweepRow> rows, double within) {
  const BestRows best = best_rows(rows, within);
  const std::string loss = fmt::format("within {:g} % of ideal", within * 100);
  if (!best.lowest_energy) return fmt::format("no point is {}\n", loss);
  std::string text;
  if (best.smallest_adc)
    text += fmt::format("{}, largest subarray and fewest ADC bits: {}\n", loss,
                        describe_row(*best.smallest_adc, rows));
  text += fmt::format("{}, lowest energy: {}\n", loss, describe_row(*best.lowest_energy, rows));
  return text;
}

}  // namespace sramsim
