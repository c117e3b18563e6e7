#include "host/cost/layer_counts.h"

#include <algorithm>
#include <bit>
#include <vector>

namespace sramsim {
namespace {

int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

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

/// windows[y]: how many windows along one side read line y.
std::vector<int64_t> windows_over(int size, int kernel, int stride, int padding, int outputs) {
  std::vector<int64_t> windows(size, 0);
  for (int o = 0; o < outputs; ++o)
    for (int k = 0; k < kernel; ++k) {
      const int line = o * stride + k - padding;
      if (line >= 0 && line < size) ++windows[line];
    }
  return windows;
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
  c.column_tiles = ceil_div(c.columns_used, geometry.columns);
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

double measure_bit_density(const ConvShape& shape, int act_bits, const uint8_t* q, int n) {
  const auto over_y = windows_over(shape.h, shape.kh, shape.stride, shape.padding, shape.out_h());
  const auto over_x = windows_over(shape.w, shape.kw, shape.stride, shape.padding, shape.out_w());
  int64_t set = 0;
  for (int image = 0; image < n; ++image)
    for (int y = 0; y < shape.h; ++y)
      for (int x = 0; x < shape.w; ++x) {
        int64_t here = 0;
        for (int channel = 0; channel < shape.c; ++channel) here += std::popcount(*q++);
        set += here * over_y[y] * over_x[x];
      }
  const int64_t all = int64_t{n} * shape.out_h() * shape.out_w() * shape.rows() * act_bits;
  return all == 0 ? 0.0 : static_cast<double>(set) / static_cast<double>(all);
}

}  // namespace sramsim
