#include "host/sweep/array_axes.h"

#include <fmt/format.h>

#include "host/util/parse.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

/// "name: summary; name: summary" of a registry, and a check that a name is in it.
template <typename Models>
std::string summaries(const Models& models) {
  std::string text;
  for (const auto& m : models) text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", m.name, m.summary);
  return text;
}

template <typename Models>
const std::string& known(const char* option, const Models& models, const std::string& name) {
  std::string names;
  for (const auto& m : models) {
    if (name == m.name) return name;
    names += (names.empty() ? "" : ", ") + std::string(m.name);
  }
  throw InputError(fmt::format("{} '{}': must be one of {}", option, name, names));
}

constexpr ArrayAxis kAxes[] = {
    {"subarray", "ROWS",
     [] { return std::string("rows of one subarray R: weights that one column adds up"); }, true,
     [](ArraySettings& s, const std::string& t) { s.subarray = parse_int("--subarray", t, 1, 65536); },
     [](const ArraySettings& s) { return std::to_string(s.subarray); }},
    {"mapping", "NAME",
     [] { return "which weights share a column of a subarray. " + summaries(mapping_models()); }, false,
     [](ArraySettings& s, const std::string& t) { s.mapping = known("--mapping", mapping_models(), t); },
     [](const ArraySettings& s) { return s.mapping; }},
    {"encoding", "NAME",
     [] {
       return std::string(
           "how cells store a signed weight: twos-complement (B planes), differential (positive and "
           "negative part in two columns, 2(B-1) planes) or offset (c + 2^(B-1), B planes)");
     },
     false, [](ArraySettings& s, const std::string& t) { s.encoding = parse_encoding(t); },
     [](const ArraySettings& s) { return std::string(to_string(s.encoding)); }},
    {"dac-bits", "BITS",
     [] { return std::string("activation bits that the wordlines apply at a time, 1..8"); }, true,
     [](ArraySettings& s, const std::string& t) { s.dac_bits = parse_int("--dac-bits", t, 1, 8); },
     [](const ArraySettings& s) { return std::to_string(s.dac_bits); }},
    {"adc-bits", "BITS", [] { return std::string("ADC resolution, 1..16; 0 is an ideal converter"); }, true,
     [](ArraySettings& s, const std::string& t) { s.adc.bits = parse_int("--adc-bits", t, 0, 16); },
     [](const ArraySettings& s) { return std::to_string(s.adc.bits); }},
    {"adc-mode", "NAME", [] { return "transfer of the ADC. " + summaries(adc_models()); }, false,
     [](ArraySettings& s, const std::string& t) { s.adc.mode = known("--adc-mode", adc_models(), t); },
     [](const ArraySettings& s) { return s.adc.mode; }},
    {"adc-range", "RANGE",
     [] {
       return std::string(
           "full scale F of the ADC in partial-sum units: occupied (rows of the layer's largest row "
           "group x largest digit), array (R x largest digit) or a number");
     },
     false, [](ArraySettings& s, const std::string& t) { s.adc.range = parse_adc_range(t); },
     [](const ArraySettings& s) { return to_string(s.adc.range); }},
};

}  // namespace

std::span<const ArrayAxis> array_axes() {
  return kAxes;
}

std::string describe(const ArraySettings& s) {
  const std::string adc =
      s.adc.bits == 0 ? std::string("ideal ADC")
                      : fmt::format("{}-bit {} ADC over {}", s.adc.bits, s.adc.mode, to_string(s.adc.range));
  return fmt::format("{} rows, {} mapping, {} weights, {}-bit DAC, {}", s.subarray, s.mapping,
                     to_string(s.encoding), s.dac_bits, adc);
}

}  // namespace sramsim
