#include "host/sweep/point.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/sweep/array_axes.h"
#include "host/util/parse.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

int parse_width(const std::string& option, const std::string& text, int low) {
  return text == "0" ? 0 : parse_int(option, text, low, 8);
}

std::vector<PointSetting> make_settings() {
  std::vector<PointSetting> all = {
      {"checkpoint", true, [](SweepPoint& p, const std::string& t) { p.checkpoint = t; },
       [](const SweepPoint& p) { return p.checkpoint; }},
      {"wbits", false,
       [](SweepPoint& p, const std::string& t) { p.weight_bits = parse_width("--wbits", t, 2); },
       [](const SweepPoint& p) { return std::to_string(p.weight_bits); }},
      {"abits", false, [](SweepPoint& p, const std::string& t) { p.act_bits = parse_width("--abits", t, 1); },
       [](const SweepPoint& p) { return std::to_string(p.act_bits); }},
      {"map-linear", false,
       [](SweepPoint& p, const std::string& t) { p.map_linear = parse_bool("--map-linear", t); },
       [](const SweepPoint& p) { return std::string(p.map_linear ? "true" : "false"); }},
  };
  for (const ArrayAxis& axis : array_axes())
    all.push_back({axis.name, !axis.numeric,
                   [&axis](SweepPoint& p, const std::string& t) { axis.parse(p.array, t); },
                   [&axis](const SweepPoint& p) { return axis.text(p.array); }});
  return all;
}

}  // namespace

const std::vector<PointSetting>& point_settings() {
  static const std::vector<PointSetting> made = make_settings();
  return made;
}

const PointSetting& point_setting(const std::string& name) {
  std::string names;
  for (const PointSetting& setting : point_settings()) {
    if (setting.name == name) return setting;
    names += (names.empty() ? "" : ", ") + setting.name;
  }
  throw InputError(fmt::format("'{}' is no setting, choose one of {}", name, names));
}

std::string column_name(std::string setting) {
  std::replace(setting.begin(), setting.end(), '-', '_');
  return setting;
}

std::string describe_layers(const SweepPoint& point) {
  std::string text;
  for (const LayerSetting& s : point.layers)
    text += fmt::format("{}{}.{}={}", text.empty() ? "" : " ", s.layer, s.name, s.value);
  return text;
}

std::string describe(const SweepPoint& point) {
  std::string text;
  for (const PointSetting& setting : point_settings())
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", column_name(setting.name), setting.value(point));
  return point.layers.empty() ? text : text + " " + describe_layers(point);
}

DesignPoint design_point(const QuantisedNetwork& network, const SweepPoint& point) {
  DesignPoint made = uniform_point(network, point.array, point.map_linear);
  for (const LayerSetting& s : point.layers) {
    size_t l = 0;
    while (l < made.layers.size() && network.layers()[l].name != s.layer) ++l;
    if (l == made.layers.size())
      throw InputError(
          fmt::format("the network {} has no layer '{}' on subarrays", network.spec().name, s.layer));
    if (!made.layers[l]) continue;  // digital at this point
    const auto axes = array_axes();
    const auto axis =
        std::find_if(axes.begin(), axes.end(), [&](const ArrayAxis& a) { return a.name == s.name; });
    if (axis == axes.end()) throw InputError(fmt::format("'{}' is no setting of a layer", s.name));
    axis->parse(*made.layers[l], s.value);
  }
  for (size_t l = 0; l < made.layers.size(); ++l)
    make_layer_spec(network, static_cast<int>(l), made.layers[l]);
  return made;
}

}  // namespace sramsim
