// Registry of the converter models and the settings they are made from.
#include "host/adc/adc.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "host/adc/models.h"
#include "kernels/core/error.h"

namespace sramsim {

std::span<const AdcModel> adc_models() {
  static const AdcModel list[] = {uniform_adc(), saturating_adc()};
  return list;
}

namespace {

constexpr int kMaxBits = 16;

const AdcModel& find_model(const std::string& name) {
  std::string known;
  for (const AdcModel& m : adc_models()) {
    if (name == m.name) return m;
    known += (known.empty() ? "" : ", ") + std::string(m.name);
  }
  throw InputError(fmt::format("--adc-mode '{}' is unknown, choose one of: {}", name, known));
}

double full_scale(const AdcRange& range, const AdcContext& context) {
  const double digit_max = (1 << context.dac_bits) - 1;
  switch (range.kind) {
    case AdcRange::Kind::kOccupied:
      return context.largest_group * digit_max;
    case AdcRange::Kind::kArray:
      return context.subarray_rows * digit_max;
    case AdcRange::Kind::kNumber:
      break;
  }
  if (!(range.number > 0) || !std::isfinite(range.number))
    throw InputError(fmt::format("--adc-range {}: the full scale must be a positive number", range.number));
  return range.number;
}

AdcTable ideal_table(uint32_t p_max) {
  AdcTable table;
  table.max_code = p_max;
  table.code.resize(size_t{p_max} + 1);
  for (uint32_t p = 0; p <= p_max; ++p) table.code[p] = p;
  return table;
}

}  // namespace

AdcRange parse_adc_range(const std::string& text) {
  if (text == "occupied") return {AdcRange::Kind::kOccupied, 0.0};
  if (text == "array") return {AdcRange::Kind::kArray, 0.0};
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number) || number <= 0)
    throw InputError(fmt::format("--adc-range '{}': must be 'occupied', 'array' or a positive number", text));
  return {AdcRange::Kind::kNumber, number};
}

std::string to_string(const AdcRange& range) {
  switch (range.kind) {
    case AdcRange::Kind::kOccupied:
      return "occupied";
    case AdcRange::Kind::kArray:
      return "array";
    case AdcRange::Kind::kNumber:
      break;
  }
  return fmt::format("{}", range.number);  // shortest text that reads back as the same double
}

AdcTable make_adc_table(const AdcSettings& settings, const AdcContext& context) {
  const AdcModel& model = find_model(settings.mode);
  if (settings.bits < 0 || settings.bits > kMaxBits)
    throw InputError(fmt::format("--adc-bits {}: must be 0 (ideal) or 1..{}", settings.bits, kMaxBits));
  const double f = full_scale(settings.range, context);
  const uint32_t p_max = static_cast<uint32_t>(context.largest_group) * ((1u << context.dac_bits) - 1);
  return settings.bits == 0 ? ideal_table(p_max) : model.make(settings, f, p_max);
}

}  // namespace sramsim
