// Saturating converter: one code per partial sum, clipped at the largest code; the range setting has no
// effect.
#include <algorithm>

#include "host/adc/models.h"

namespace sramsim {
namespace {

AdcTable make(const AdcSettings& settings, double /*full_scale*/, uint32_t p_max) {
  AdcTable table;
  table.max_code = (1u << settings.bits) - 1;
  table.code.resize(size_t{p_max} + 1);
  for (uint32_t p = 0; p <= p_max; ++p) table.code[p] = std::min(p, table.max_code);
  return table;
}

}  // namespace

AdcModel saturating_adc() {
  return {"saturating",
          "code = min(P, 2^bits - 1), one partial-sum unit per code; --adc-range does not matter", make};
}

}  // namespace sramsim
