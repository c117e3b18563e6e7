#include "host/sweep/grid.h"

#include <fmt/format.h>

#include "host/sweep/array_axes.h"

namespace sramsim {

Grid::Grid() {
  for (const ArrayAxis& axis : array_axes()) array_values.push_back({axis.text(ArraySettings{})});
}

size_t Grid::size() const {
  size_t n = weight_bits.size() * act_bits.size() * map_linear.size();
  for (const auto& values : array_values) n *= values.size();
  return n;
}

std::vector<SweepPoint> Grid::points() const {
  std::vector<ArraySettings> arrays{ArraySettings{}};
  for (size_t a = 0; a < array_values.size(); ++a) {
    std::vector<ArraySettings> longer;
    for (const ArraySettings& base : arrays)
      for (const std::string& value : array_values[a]) {
        longer.push_back(base);
        array_axes()[a].parse(longer.back(), value);
      }
    arrays = std::move(longer);
  }
  std::vector<SweepPoint> all;
  for (const int w : weight_bits)
    for (const int a : act_bits)
      for (const bool linear : map_linear)
        for (const ArraySettings& array : arrays) all.push_back({w, a, linear, array});
  return all;
}

std::string describe(const SweepPoint& p) {
  std::string text = fmt::format("wbits={} abits={} map_linear={}", p.weight_bits, p.act_bits, p.map_linear);
  for (const ArrayAxis& axis : array_axes()) text += fmt::format(" {}={}", axis.name, axis.text(p.array));
  return text;
}

}  // namespace sramsim
