#include "host/cost/layer_counts.h"

#include <algorithm>
#include <bit>

#include "kernels/core/division.h"

namespace sramsim {
namespace {

int ceil_log2(uint64_t n) {
  return n <= 1 ? 0 : std::bit_width(n - 1);
}

/// What does not depend on where the layer is computed.
LayerCounts count_data(const std::string& name, const ConvShape& shape, int act_bits, int weight_bits) {
  LayerCounts c;
  c.layer = name;
  c.output_pixels = int64_t{shape.out_h()} * shape.out_w();
  c.input_bits = c.output_pixels * shape.rows() * act_bits;
  c.stored_bits = shape.inputs() * act_bits;
  c.output_bits = shape.outputs() * act_bits;
  c.macs = c.output_pixels * shape.weights();
  c.weight_bits = shape.weights() * weight_bits;
  return c;
}

}  // namespace

int lossless_bits(const SramConvSpec& spec) {
  return std::max(1, static_cast<int>(std::bit_width(spec.p_max())));
}

LayerCounts count_layer(const std::string& name, const SramConvSpec& spec, int adc_bits,
                        const ArrayGeometry& geometry) {
  LayerCounts c = count_data(name, spec.shape, spec.act_bits, spec.weight_bits);
  c.on_arrays = true;
  c.subarray_rows = spec.rows.subarray_rows;
  c.row_groups = spec.rows.groups();
  c.rows_used = spec.shape.rows();
  c.columns_used = int64_t{spec.shape.o} * spec.planes();
  c.column_tiles = ceil_div<int64_t>(c.columns_used, geometry.columns);
  c.subarrays = c.row_groups * c.column_tiles;
  c.row_use = static_cast<double>(c.rows_used) / static_cast<double>(c.row_groups * c.subarray_rows);
  c.column_use = static_cast<double>(c.columns_used) / static_cast<double>(c.column_tiles * geometry.columns);
  c.utilisation = c.row_use * c.column_use;
  c.adcs = c.subarrays * ceil_div(geometry.columns, geometry.columns_per_adc);
  c.adc_bits = adc_bits;

  c.digits = spec.digits();
  c.bit_cycles = c.output_pixels * c.digits;
  c.array_activations = c.bit_cycles * c.subarrays;
  c.adc_conversions = c.bit_cycles * c.row_groups * c.columns_used;
  // Only the last tile may be narrower than an array; the widest one sets the pace.
  c.conversions_in_turn =
      std::min<int64_t>(geometry.columns_per_adc, std::min<int64_t>(c.columns_used, geometry.columns));
  c.shift_adds = c.adc_conversions;
  if (spec.encoding == Encoding::kOffset) c.offset_adds = c.output_pixels * (c.rows_used - 1 + spec.shape.o);
  // A code of b bits, shifted by up to A - 1 and B - 1, added over the row groups.
  c.accumulator_bits = c.adc_bits + spec.act_bits + spec.weight_bits + ceil_log2(c.row_groups);
  return c;
}

LayerCounts count_digital_layer(const std::string& name, const ConvShape& shape, int act_bits,
                                int weight_bits) {
  return count_data(name, shape, act_bits, weight_bits);
}

}  // namespace sramsim
