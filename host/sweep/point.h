// One design point of a sweep, and its settings by name: axes of a grid and columns of its rows are made from
// one list.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/infer/design_point.h"
#include "host/layer/array_settings.h"

namespace sramsim {

/// What one layer does differently from the rest of its point.
struct LayerSetting {
  std::string layer;  ///< "conv1"
  std::string name;   ///< a name in array_axes()
  std::string value;
  friend bool operator==(const LayerSetting&, const LayerSetting&) = default;
};

/// Everything that one row of a sweep fixes.
struct SweepPoint {
  std::string checkpoint;  ///< file
  int weight_bits = 4;     ///< in a grid also 0: the checkpoint's
  int act_bits = 4;
  bool map_linear = false;  ///< linear layers on subarrays too
  ArraySettings array;
  std::vector<LayerSetting> layers;
  friend bool operator==(const SweepPoint&, const SweepPoint&) = default;
};

struct PointSetting {
  std::string name;  ///< "adc-bits": the flag without dashes, the column with underscores
  bool text;         ///< a string in JSON; else a number or a truth value
  std::function<void(SweepPoint&, const std::string&)> parse;  ///< InputError naming the option
  std::function<std::string(const SweepPoint&)> value;         ///< what parse() reads back
};

/// checkpoint, wbits, abits, map-linear, then every one of array_axes().
const std::vector<PointSetting>& point_settings();
/// InputError listing the names for another one.
const PointSetting& point_setting(const std::string& name);
/// '-' to '_'.
std::string column_name(std::string setting);

/// "conv1.adc-bits=6 conv1.subarray=32", or empty.
std::string describe_layers(const SweepPoint& point);
/// "checkpoint=... wbits=4 abits=4 map_linear=false subarray=64 ...": names a point in messages.
std::string describe(const SweepPoint& point);

/// How `network` computes at this point. InputError naming the layer for settings that do not fit it or a
/// layer that the network has not.
DesignPoint design_point(const QuantisedNetwork& network, const SweepPoint& point);

}  // namespace sramsim
