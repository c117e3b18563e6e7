// A grid of design points: the product of a list of values per setting.
#pragma once

#include <string>
#include <vector>

#include "host/layer/array_settings.h"

namespace sramsim {

/// Everything that one row of a sweep fixes.
struct SweepPoint {
  int weight_bits = 4;
  int act_bits = 4;
  bool map_linear = false;  ///< linear layers on subarrays too
  ArraySettings array;
  friend bool operator==(const SweepPoint&, const SweepPoint&) = default;
};

struct Grid {
  std::vector<int> weight_bits{4};
  std::vector<int> act_bits{4};
  std::vector<bool> map_linear{false};
  std::vector<std::vector<std::string>> array_values;  ///< one list per array_axes(), as text

  /// A grid of one point: every setting at its default.
  Grid();
  size_t size() const;
  /// The first list varies slowest, so that points which share a network stand together. InputError naming
  /// the option for a value that is none.
  std::vector<SweepPoint> points() const;
};

/// "wbits=4 abits=4 map_linear=false subarray=64 ...": names a point in messages.
std::string describe(const SweepPoint& point);

}  // namespace sramsim
