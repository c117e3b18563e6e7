// What a sweep is about, made from its options: points, networks, images, device. Nothing is computed yet.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/cli/array_options.h"
#include "host/cli/common.h"
#include "host/cli/cost_command.h"
#include "host/cli/figure_options.h"
#include "host/cli/network_options.h"
#include "host/sweep/grid.h"
#include "host/sweep/ranks.h"
#include "host/sweep/sweep.h"
#include "host/sweep/workers.h"

namespace sramsim {

struct SweepFlags {
  CommonOptions common;
  NetworkOptions network;
  ArrayOptions array;
  CostFlags cost;
  std::string map_linear = "false";
  std::string wbits = "0", abits = "0";
  std::string grid;
  int64_t stats_images = 256;
  int workers = 0;
  double within = 0.5;  ///< percent
  std::string csv = "sweep.csv", jsonl, json;
  bool fresh = false, dry_run = false;
  FigureOptions figures;
  int64_t histogram_images = 16;
};

/// The grid of --grid FILE, where `command` was not given a flag for the setting. InputError.
Grid make_grid(const SweepFlags& flags, const CLI::App& command);

struct SweepJob {
  std::map<std::string, Checkpoint> checkpoints;  ///< by file
  std::vector<SweepPoint> points;
  std::unique_ptr<ImageSet> images;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<SweepNetworks> networks;
  SweepOptions options;
  std::vector<WorkerPlace> places;  ///< of the workers of this process; one: `backend` itself
  std::vector<std::string> keys;    ///< by point
};

/// Loads everything and checks that images and networks fit together; a rank takes its share of the machine:
/// a GPU of its own, its part of the cores. InputError.
SweepJob make_job(const SweepFlags& flags, const Grid& grid, const Ranks& ranks);

}  // namespace sramsim
