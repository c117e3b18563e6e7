#include "host/cost/cost_report.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "host/util/table.h"

namespace sramsim {
namespace {

constexpr double kNano = 1e9, kMicro = 1e6, kSquareMilli = 1e6;  // from SI

constexpr CostColumn kColumns[] = {
    {"subarrays", "subarrays of all layers", true,
     [](const CostReport& r) { return static_cast<double>(r.subarrays); }},
    {"utilisation", "share of their cells that hold a weight bit", false,
     [](const CostReport& r) { return r.utilisation; }},
    {"adc_conversions", "ADC conversions per image", true,
     [](const CostReport& r) { return static_cast<double>(r.adc_conversions); }},
    {"array_activations", "activations of a subarray per image", true,
     [](const CostReport& r) { return static_cast<double>(r.array_activations); }},
    {"bit_cycles", "input steps per image, one after the other", true,
     [](const CostReport& r) { return static_cast<double>(r.bit_cycles); }},
    {"energy_nj", "energy per image, nJ", false,
     [](const CostReport& r) { return r.energy.total() * kNano; }},
    {"adc_energy_nj", "the converters' part of it, nJ", false,
     [](const CostReport& r) { return r.energy.adc * kNano; }},
    {"latency_us", "latency of one image, us", false, [](const CostReport& r) { return r.latency * kMicro; }},
    {"area_mm2", "area, mm2", false, [](const CostReport& r) { return r.area.total() * kSquareMilli; }},
};

nlohmann::json energy_json(const EnergyParts& e) {
  return {
      {"adc", e.adc * kNano},         {"bitlines", e.bitlines * kNano},   {"wordlines", e.wordlines * kNano},
      {"dacs", e.dacs * kNano},       {"shift_add", e.shift_add * kNano}, {"buffers", e.buffers * kNano},
      {"digital", e.digital * kNano}, {"total", e.total() * kNano}};
}

nlohmann::json area_json(const AreaParts& a) {
  return {{"arrays", a.arrays * kSquareMilli},       {"adcs", a.adcs * kSquareMilli},
          {"shift_add", a.shift_add * kSquareMilli}, {"buffers", a.buffers * kSquareMilli},
          {"digital", a.digital * kSquareMilli},     {"total", a.total() * kSquareMilli}};
}

nlohmann::json layer_json(const LayerCost& cost) {
  const LayerCounts& c = cost.counts;
  nlohmann::json j = {{"layer", c.layer},
                      {"computed", c.on_arrays ? "arrays" : "digital"},
                      {"macs", c.macs},
                      {"weight_bits", c.weight_bits},
                      {"input_bits", c.input_bits},
                      {"energy_nj", energy_json(cost.energy)},
                      {"latency_us", cost.latency * kMicro},
                      {"area_mm2", area_json(cost.area)}};
  if (!c.on_arrays) return j;
  j.update({{"subarray", c.subarray_rows},
            {"row_groups", c.row_groups},
            {"column_tiles", c.column_tiles},
            {"subarrays", c.subarrays},
            {"rows_used", c.rows_used},
            {"columns_used", c.columns_used},
            {"row_use", c.row_use},
            {"column_use", c.column_use},
            {"utilisation", c.utilisation},
            {"adcs", c.adcs},
            {"adc_bits", c.adc_bits},
            {"adc_ideal", c.adc_ideal},
            {"bit_cycles", c.bit_cycles},
            {"array_activations", c.array_activations},
            {"adc_conversions", c.adc_conversions},
            {"conversions_in_turn", c.conversions_in_turn},
            {"shift_adds", c.shift_adds},
            {"offset_adds", c.offset_adds},
            {"accumulator_bits", c.accumulator_bits},
            {"bit_density", cost.bit_density}});
  return j;
}

nlohmann::json table_json(const CostTable& table) {
  nlohmann::json entries = nlohmann::json::object();
  for (const CostEntry& entry : cost_entries()) {
    const Quantity& q = table.*entry.member;
    entries[entry.name] = {
        {"value", q.value}, {"unit", q.unit}, {"source", q.source}, {"meaning", entry.meaning}};
  }
  return {{"name", table.name}, {"entries", entries}};
}

std::string percent(double share) {
  return fmt::format("{:.1f} %", share * 100);
}

/// Four significant digits and at most six decimals: 0.01234, 12.34, 12,345.
std::string figure(double value) {
  if (value == 0) return "0";
  if (value >= 1e4) return group_digits(std::llround(value));
  const int before = static_cast<int>(std::floor(std::log10(value))) + 1;
  return fmt::format("{:.{}f}", value, std::max(0, std::min(6, 4 - before)));
}

std::string mapping_table(const CostReport& report) {
  TextTable table({"layer", "row groups", "column tiles", "subarrays", "rows", "columns", "cells used",
                   "ADC bits", "ADCs", "bit cycles", "activations", "conversions", "shift-adds"});
  for (const LayerCost& cost : report.layers) {
    const LayerCounts& c = cost.counts;
    if (!c.on_arrays) {
      std::vector<std::string> row(13);
      row[0] = c.layer + " (digital)";
      table.add(std::move(row));
      continue;
    }
    table.add({c.layer, group_digits(c.row_groups), group_digits(c.column_tiles), group_digits(c.subarrays),
               group_digits(c.rows_used), group_digits(c.columns_used), percent(c.utilisation),
               std::to_string(c.adc_bits), group_digits(c.adcs), group_digits(c.bit_cycles),
               group_digits(c.array_activations), group_digits(c.adc_conversions),
               group_digits(c.shift_adds)});
  }
  table.add({"total", "", "", group_digits(report.subarrays), "", "", percent(report.utilisation), "", "",
             group_digits(report.bit_cycles), group_digits(report.array_activations),
             group_digits(report.adc_conversions), group_digits(report.shift_adds)});
  return table.str();
}

std::vector<std::string> cost_row(const std::string& name, const EnergyParts& e, double latency,
                                  const AreaParts& a) {
  return {name,
          figure(e.total() * kNano),
          figure(e.adc * kNano),
          figure(e.bitlines * kNano),
          figure(e.wordlines * kNano),
          figure(e.dacs * kNano),
          figure(e.shift_add * kNano),
          figure(e.buffers * kNano),
          figure(e.digital * kNano),
          figure(latency * kMicro),
          figure(a.total() * kSquareMilli)};
}

std::string cost_table_text(const CostReport& report) {
  TextTable table({"layer", "energy nJ", "ADCs", "bitlines", "wordlines", "DACs", "shift-add", "buffers",
                   "digital", "latency us", "area mm2"});
  for (const LayerCost& cost : report.layers)
    table.add(cost_row(cost.counts.layer, cost.energy, cost.latency, cost.area));
  if (report.shared_area.total() > 0)
    table.add({"digital lanes", "", "", "", "", "", "", "", "", "",
               figure(report.shared_area.total() * kSquareMilli)});
  table.add(cost_row("total", report.energy, report.latency, report.area));
  return table.str();
}

}  // namespace

std::span<const CostColumn> cost_columns() {
  return kColumns;
}

std::string format_cost(const CostColumn& column, const CostReport& report) {
  const double value = column.value(report);
  return column.whole ? fmt::format("{:.0f}", value) : fmt::format("{:.6g}", value);
}

nlohmann::json to_json(const CostReport& report, const CostTable& table) {
  nlohmann::json layers = nlohmann::json::array();
  for (const LayerCost& cost : report.layers) layers.push_back(layer_json(cost));
  nlohmann::json total = {
      {"shift_adds", report.shift_adds},
      {"energy_nj_by_part", energy_json(report.energy)},
      {"area_mm2_by_part", area_json(report.area)},
      {"pipelined_images_per_second", report.slowest_layer > 0 ? 1.0 / report.slowest_layer : 0.0}};
  for (const CostColumn& column : kColumns) {
    const double value = column.value(report);
    if (column.whole)
      total[column.name] = static_cast<int64_t>(value);
    else
      total[column.name] = value;
  }
  return {{"network", report.network},
          {"adc_model", report.adc_model},
          {"array_columns", report.geometry.columns},
          {"columns_per_adc", report.geometry.columns_per_adc},
          {"bit_density_given", report.bit_density_given},
          {"layers", layers},
          {"total", total},
          {"cost_table", table_json(table)}};
}

std::string to_text(const CostReport& report) {
  std::string text = fmt::format("Mapping and events per image\n{}\n", mapping_table(report));
  text += fmt::format("Cost per image (energy in nJ, by part)\n{}\n", cost_table_text(report));
  text += fmt::format("one image at a time {} images/s; an image in every layer at once {} images/s\n",
                      figure(1.0 / report.latency), figure(1.0 / report.slowest_layer));
  bool ideal = false;
  for (const LayerCost& cost : report.layers) ideal = ideal || cost.counts.adc_ideal;
  if (ideal) text += "ideal converters are paid as the smallest lossless ones of the fullest subarray\n";
  if (!report.bit_density_given) text += "wordlines: upper bound, every input bit counted as set\n";
  return text;
}

}  // namespace sramsim
