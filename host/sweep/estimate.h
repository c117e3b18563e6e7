// How long a sweep will take, from a few images of a few of its passes.
#pragma once

#include <span>
#include <string>

#include "datasets/image_set.h"
#include "host/sweep/sweep.h"

namespace sramsim {

struct Estimate {
  double seconds = 0.0;  ///< of computing all units, one after the other, on this device
  std::string how;       ///< "measured on 64 and 192 images of 4 of 12 passes"
};

/// Runs up to four units, spread evenly, on one step of images and on three (64 and 192 images on a CPU),
/// each twice: the difference is free of what a pass costs only once (packing the weights). Units in between
/// are taken to cost as much per point as those that were run.
Estimate estimate_sweep(Backend& backend, SweepNetworks& networks, const ImageSet& images,
                        std::span<const SweepPoint> points, std::span<const std::string> keys,
                        std::span<const WorkUnit> units, const SweepOptions& options);

}  // namespace sramsim
