#include "host/layer/array_settings.h"

#include <fmt/format.h>

#include "kernels/core/error.h"

namespace sramsim {
namespace {

void check_bits(const char* option, int value, int low, int high) {
  if (value < low || value > high)
    throw InputError(fmt::format("{} {}: must be {}..{}", option, value, low, high));
}

}  // namespace

SramConvSpec make_sram_spec(const ConvShape& shape, int act_bits, int weight_bits,
                            const ArraySettings& settings) {
  check_bits("--abits", act_bits, 1, 8);
  check_bits("--wbits", weight_bits, 2, 8);
  check_bits("--dac-bits", settings.dac_bits, 1, 8);
  SramConvSpec spec;
  spec.shape = shape;
  spec.act_bits = act_bits;
  spec.weight_bits = weight_bits;
  spec.dac_bits = settings.dac_bits;
  spec.encoding = settings.encoding;
  spec.rows = make_row_plan(settings.mapping, shape, settings.subarray);
  spec.adcs = {
      make_adc_table(settings.adc, {spec.rows.largest_group(), settings.subarray, settings.dac_bits})};
  return spec;
}

}  // namespace sramsim
