// Uniform converter: 2^bits evenly spaced codes over 0..F, half rounds up.
#include <algorithm>
#include <cmath>

#include "host/adc/models.h"

namespace sramsim {
namespace {

/// floor((2*P*L + F) / (2*F)) saturating at L. Integer F is computed in integers, so that ties are exact
/// (P <= 2^24, L < 2^16, F < 2^53: everything stays below 2^54).
uint32_t uniform_code(uint64_t p, uint64_t top, double full_scale) {
  constexpr double kExactIntegers = 9007199254740992.0;  // 2^53
  if (full_scale == std::floor(full_scale) && full_scale < kExactIntegers) {
    const uint64_t f = static_cast<uint64_t>(full_scale);
    return static_cast<uint32_t>(std::min(top, (2 * p * top + f) / (2 * f)));
  }
  const double code = std::floor((2.0 * static_cast<double>(p * top) + full_scale) / (2.0 * full_scale));
  return static_cast<uint32_t>(std::min(static_cast<double>(top), code));
}

AdcTable make(const AdcSettings& settings, double full_scale, uint32_t p_max) {
  const uint32_t top = (1u << settings.bits) - 1;
  AdcTable table;
  table.code.resize(size_t{p_max} + 1);
  if (top >= full_scale) {  // a code for every partial sum up to F: nothing is lost below full scale
    table.max_code = static_cast<uint32_t>(full_scale);
    for (uint32_t p = 0; p <= p_max; ++p) table.code[p] = std::min(p, table.max_code);
    return table;
  }
  table.step = full_scale / top;
  table.max_code = top;
  for (uint32_t p = 0; p <= p_max; ++p) table.code[p] = uniform_code(p, top, full_scale);
  return table;
}

}  // namespace

AdcModel uniform_adc() {
  return {"uniform", "2^bits evenly spaced codes over the full scale; half rounds up", make};
}

}  // namespace sramsim
