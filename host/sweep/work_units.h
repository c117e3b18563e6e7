// Which points of a sweep are computed together, and what that saves.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "host/infer/quantised_network.h"
#include "host/sweep/point.h"

namespace sramsim {

/// The networks that points are about, each quantised once.
class SweepNetworks {
 public:
  /// `checkpoints` by file; both must outlive this.
  SweepNetworks(Backend& backend, const std::map<std::string, Checkpoint>& checkpoints)
      : backend_(backend), checkpoints_(checkpoints) {}
  const QuantisedNetwork& of(const SweepPoint& point);

 private:
  Backend& backend_;
  const std::map<std::string, Checkpoint>& checkpoints_;
  std::map<std::tuple<std::string, int, int>, std::unique_ptr<QuantisedNetwork>> made_;
};

/// Indices of points of one network that are computed in one pass over the images.
using WorkUnit = std::vector<size_t>;

/// Points whose layers all form the same partial sums, and differ only in their converters, make a unit: a
/// pass forms the partial sums once and puts every converter on them. `most` bounds a unit: memory, and what
/// a kill loses. While there are fewer units than `workers`, the largest are cut in two. Points that do not
/// fit a layer are in no unit; `unfit` says why.
std::vector<WorkUnit> make_work_units(SweepNetworks& networks, std::span<const SweepPoint> points,
                                      std::span<const size_t> wanted, size_t most, size_t workers,
                                      std::map<size_t, std::string>& unfit);

/// Indices of `units`, the largest first: what is left for the end is small, so that workers end together.
std::vector<size_t> largest_first(std::span<const WorkUnit> units);

/// Kernel calls of one step of images, over all quantised layers.
struct SharedWork {
  int64_t alone = 0;     ///< if every point were computed for itself
  int64_t passes = 0;    ///< as they are computed together
  int64_t distinct = 0;  ///< points that differ in at least one number
  SharedWork& operator+=(const SharedWork& other);
};

SharedWork shared_work(SweepNetworks& networks, std::span<const SweepPoint> points, const WorkUnit& unit);

/// One line per layer: what is computed once for how many points, and why.
std::string explain(SweepNetworks& networks, std::span<const SweepPoint> points, const WorkUnit& unit);

}  // namespace sramsim
