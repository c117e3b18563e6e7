#include "host/sweep/grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "host/sweep/array_axes.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

constexpr size_t kMostPoints = 1'000'000;

bool of_layers(const std::string& name) {
  const auto axes = array_axes();
  return std::any_of(axes.begin(), axes.end(), [&](const ArrayAxis& a) { return a.name == name; });
}

void apply(SweepPoint& point, const GridAxis& axis, const std::string& value) {
  if (axis.layer.empty())
    point_setting(axis.name).parse(point, value);
  else
    point.layers.push_back({axis.layer, axis.name, value});
}

/// The value that a point has for an axis: a layer without one of its own has that of all layers.
std::string value_of(const SweepPoint& point, const GridAxis& axis) {
  for (const LayerSetting& s : point.layers)
    if (s.layer == axis.layer && s.name == axis.name) return s.value;
  return point_setting(axis.name).value(point);
}

bool matches(const SweepPoint& point, const Exclusion& exclusion) {
  return std::all_of(exclusion.match.begin(), exclusion.match.end(), [&](const GridAxis& axis) {
    return std::find(axis.values.begin(), axis.values.end(), value_of(point, axis)) != axis.values.end();
  });
}

void check_layer(const std::string& layer, const std::map<std::string, NetworkSpec>& networks) {
  for (const auto& [file, network] : networks) {
    std::string names;
    bool found = false;
    for (const LayerSpec& l : network.layers) {
      if (!l.quantised()) continue;
      found = found || l.name == layer;
      names += (names.empty() ? "" : ", ") + l.name;
    }
    if (!found) throw InputError(fmt::format("[layer.{}]: the layers of {} are {}", layer, file, names));
  }
}

}  // namespace

Grid::Grid() {
  SweepPoint defaults;
  defaults.weight_bits = defaults.act_bits = 0;
  for (const PointSetting& setting : point_settings())
    axes_.push_back({"", setting.name, {setting.value(defaults)}});
}

std::string Grid::checked(const std::string& name, const std::string& value, const std::string& layer) {
  const PointSetting& setting = point_setting(name);
  if (!layer.empty() && !of_layers(name))
    throw InputError(fmt::format("[layer.{}]: '{}' is a setting of the whole network", layer, name));
  SweepPoint scratch;
  setting.parse(scratch, value);
  return setting.value(scratch);
}

void Grid::set(const std::string& name, const std::vector<std::string>& values, const std::string& layer) {
  GridAxis made{layer, name, {}};
  for (const std::string& value : values) made.values.push_back(checked(name, value, layer));
  if (made.values.empty()) throw InputError(fmt::format("'{}': the list is empty", name));
  const auto old = std::find_if(axes_.begin(), axes_.end(),
                                [&](const GridAxis& a) { return a.layer == layer && a.name == name; });
  if (old == axes_.end())
    axes_.push_back(std::move(made));
  else
    *old = std::move(made);
}

const std::vector<std::string>& Grid::values(const std::string& name) const {
  for (const GridAxis& axis : axes_)
    if (axis.layer.empty() && axis.name == name) return axis.values;
  point_setting(name);  // throws
  throw InputError(name);
}

std::vector<SweepPoint> Grid::points(const std::map<std::string, NetworkSpec>& networks) const {
  size_t size = 1;
  for (const GridAxis& axis : axes_) {
    if (!axis.layer.empty()) check_layer(axis.layer, networks);
    size *= axis.values.size();
    if (size > kMostPoints) throw InputError(fmt::format("the grid has more than {} points", kMostPoints));
  }
  std::vector<SweepPoint> all{SweepPoint{}};
  for (const GridAxis& axis : axes_) {
    std::vector<SweepPoint> longer;
    longer.reserve(all.size() * axis.values.size());
    for (const SweepPoint& base : all)
      for (const std::string& value : axis.values) {
        longer.push_back(base);
        apply(longer.back(), axis, value);
      }
    all = std::move(longer);
  }
  std::vector<SweepPoint> kept;
  std::set<std::string> seen;
  for (SweepPoint& point : all) {
    const NetworkSpec& network = networks.at(point.checkpoint);
    if (point.weight_bits == 0) point.weight_bits = network.weight_bits;
    if (point.act_bits == 0) point.act_bits = network.act_bits;
    const bool out = std::any_of(exclusions_.begin(), exclusions_.end(),
                                 [&](const Exclusion& e) { return matches(point, e); });
    if (!out && seen.insert(describe(point)).second) kept.push_back(std::move(point));
  }
  if (kept.empty()) throw InputError("the grid has no points: everything is excluded");
  return kept;
}

}  // namespace sramsim
