// What the converters of one layer did: from a histogram of its partial sums.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "kernels/sram_conv/sram_conv.h"

namespace sramsim {

struct LayerStatistics {
  std::string layer;
  bool on_arrays = false;  ///< false: digital; then only its kernel and its input bits are known
  int subarray_rows = 0;   ///< R
  int row_groups = 0;
  int rows = 0;              ///< C*KH*KW, rows that hold a weight, over all row groups
  int largest_group = 0;     ///< rows used of the fullest subarray
  double utilisation = 0.0;  ///< rows / (row_groups * R)
  int64_t conversions_per_image = 0;
  uint32_t partial_sum_limit = 0;  ///< largest partial sum the layer could form
  std::string kernel;              ///< variant that computed it

  int64_t images = 0;  ///< images the figures below were taken on
  /// Share of set bits among the input bits of every window (padding counts as zeros), digital layers too.
  double input_bit_density = 0.0;

  int64_t histogram_images = 0;  ///< images the converters' figures below were taken on
  /// Share of conversions that the converter clipped: without the limit of its largest code they would have
  /// been given a larger one, P/D + 1/2 >= L + 1.
  double saturation_rate = 0.0;
  double rms_error = 0.0;      ///< sqrt(mean (D*code - P)^2), partial-sum units
  double rms_error_lsb = 0.0;  ///< the same in steps D of the converter
  double mean_partial_sum = 0.0;
  uint32_t largest_partial_sum = 0;  ///< largest P seen
};

void to_json(nlohmann::json& j, const LayerStatistics& s);

/// Static part, exact for any image.
LayerStatistics describe_layer(const std::string& name, const SramConvSpec& spec);

/// Adds what `counts` (counts[P] conversions of partial sum P, over `images` images) says about spec.adcs[0].
void add_histogram(LayerStatistics& statistics, const SramConvSpec& spec, std::span<const uint64_t> counts,
                   int64_t images);

}  // namespace sramsim
