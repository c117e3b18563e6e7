// Units of a sweep computed side by side in this process: one thread for every device.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "host/sweep/sweep.h"

namespace sramsim {

/// Where one worker computes, as make_backend() takes it.
struct WorkerPlace {
  std::string device = "auto";
  int threads = 0;
};

/// GPUs of this machine that `device` may be.
int usable_gpus(const std::string& device);

/// `wanted` places; with 0 one for every one of `gpus`, or one if there is none. Several workers take the
/// GPUs in turn and divide the cores (`threads` of them, 0: as many as OpenMP would take).
std::vector<WorkerPlace> worker_places(const std::string& device, int threads, int wanted, int gpus);

/// What the workers have in common; all of it must outlive them.
struct SweepWork {
  const std::map<std::string, Checkpoint>& checkpoints;
  const ImageSet& images;
  std::span<const SweepPoint> points;
  std::span<const std::string> keys;
  const SweepOptions& options;
};

/// Computes all units, each worker the next largest one as soon as it is free. `on_results` is called in this
/// thread, one unit after the other; `progress` gets the points' worth of work that units under way have
/// done. The first error of a worker or of `on_results` stops the others within a step of images; results
/// that were ready are delivered before it is thrown.
void work_side_by_side(std::span<const WorkerPlace> places, const SweepWork& work,
                       std::span<const WorkUnit> units,
                       const std::function<void(const WorkUnit&, std::vector<SweepResult>)>& on_results,
                       const std::function<void(double points)>& progress);

}  // namespace sramsim
