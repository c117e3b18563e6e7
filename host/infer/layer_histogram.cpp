#include "host/infer/layer_histogram.h"

#include <fmt/format.h>

#include <iterator>

namespace sramsim {

std::string to_csv(std::span<const LayerHistogram> layers) {
  std::string text = "layer,partial_sum,count,code,step,full_scale\n";
  for (const LayerHistogram& h : layers)
    for (size_t p = 0; p < h.counts.size(); ++p)
      fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{}\n", h.layer, p, h.counts[p], h.adc.code[p],
                     h.adc.step, h.adc.step * h.adc.max_code);
  return text;
}

}  // namespace sramsim
