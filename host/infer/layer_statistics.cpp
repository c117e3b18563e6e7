#include "host/infer/layer_statistics.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace sramsim {

LayerStatistics describe_layer(const std::string& name, const SramConvSpec& spec) {
  LayerStatistics s;
  s.layer = name;
  s.on_arrays = true;
  s.subarray_rows = spec.rows.subarray_rows;
  s.row_groups = spec.rows.groups();
  s.rows = spec.shape.rows();
  s.largest_group = spec.rows.largest_group();
  s.utilisation = static_cast<double>(s.rows) / (static_cast<double>(s.row_groups) * s.subarray_rows);
  s.conversions_per_image = spec.conversions();
  s.partial_sum_limit = spec.p_max();
  return s;
}

void add_histogram(LayerStatistics& statistics, const SramConvSpec& spec, std::span<const uint64_t> counts,
                   int64_t images) {
  const AdcTable& adc = spec.adcs.front();
  // The quotient P/D of integers is only as exact as D: a tie must not fall to the wrong side of it.
  constexpr double kTie = 1e-9;
  double total = 0, clipped = 0, squares = 0, sum = 0;
  for (size_t p = 0; p < counts.size(); ++p) {
    if (counts[p] == 0) continue;
    const auto n = static_cast<double>(counts[p]);
    const auto value = static_cast<double>(p);
    const double error = adc.step * adc.code[p] - value;
    total += n;
    sum += n * value;
    squares += n * error * error;
    if (adc.code[p] == adc.max_code && value / adc.step + 0.5 + kTie >= adc.max_code + 1.0) clipped += n;
    statistics.largest_partial_sum = static_cast<uint32_t>(p);
  }
  statistics.images = images;
  statistics.histogram_images = images;
  if (total == 0) return;
  statistics.saturation_rate = clipped / total;
  statistics.rms_error = std::sqrt(squares / total);
  statistics.rms_error_lsb = statistics.rms_error / adc.step;
  statistics.mean_partial_sum = sum / total;
}

void to_json(nlohmann::json& j, const LayerStatistics& s) {
  j = {{"name", s.layer}, {"arrays", s.on_arrays}, {"kernel", s.kernel}};
  if (s.images > 0) j.update({{"statistics_images", s.images}, {"input_bit_density", s.input_bit_density}});
  if (!s.on_arrays) return;
  j.update({{"subarray", s.subarray_rows},
            {"row_groups", s.row_groups},
            {"rows", s.rows},
            {"largest_group", s.largest_group},
            {"utilisation", s.utilisation},
            {"conversions_per_image", s.conversions_per_image},
            {"partial_sum_limit", s.partial_sum_limit}});
  if (s.histogram_images == 0) return;
  j.update({{"saturation_rate", s.saturation_rate},
            {"rms_error", s.rms_error},
            {"rms_error_lsb", s.rms_error_lsb},
            {"mean_partial_sum", s.mean_partial_sum},
            {"largest_partial_sum", s.largest_partial_sum}});
}

}  // namespace sramsim
