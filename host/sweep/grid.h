// A grid of design points: the product of a list of values per setting, without what is excluded.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/model/network.h"
#include "host/sweep/point.h"

namespace sramsim {

struct GridAxis {
  std::string layer;  ///< empty: all layers
  std::string name;
  std::vector<std::string> values;
};

/// Drops every point whose settings all have one of the values named here.
struct Exclusion {
  std::vector<GridAxis> match;
};

class Grid {
 public:
  /// One point: every setting at its default.
  Grid();

  /// The values of a setting of all layers, or of one layer (whose name is checked in points()). InputError
  /// for an unknown setting, an empty list or a value that is none.
  void set(const std::string& name, const std::vector<std::string>& values, const std::string& layer = "");
  void exclude(Exclusion exclusion) { exclusions_.push_back(std::move(exclusion)); }

  const std::vector<std::string>& values(const std::string& name) const;
  const std::vector<GridAxis>& axes() const { return axes_; }

  /// Bit widths of 0 become the checkpoint's; `networks` by file. The first axis varies slowest, those of
  /// single layers fastest; of equal points the first stays. InputError for layers that a network has not,
  /// more than a million points or none at all.
  std::vector<SweepPoint> points(const std::map<std::string, NetworkSpec>& networks) const;

  /// The value as its setting prints it: "05" is "5". InputError.
  static std::string checked(const std::string& name, const std::string& value,
                             const std::string& layer = "");

 private:
  std::vector<GridAxis> axes_;
  std::vector<Exclusion> exclusions_;
};

}  // namespace sramsim
