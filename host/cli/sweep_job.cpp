#include "host/cli/sweep_job.h"

#include <fmt/format.h>
#include <omp.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>
#include <utility>

#include "host/sweep/grid_file.h"
#include "host/sweep/row_key.h"
#include "host/util/parse.h"
#include "kernels/core/error.h"

namespace sramsim {

Grid make_grid(const SweepFlags& flags, const CLI::App& command) {
  Grid grid = flags.grid.empty() ? Grid() : load_grid(flags.grid);
  for (const PointSetting& setting : point_settings()) {
    const std::string flag = "--" + setting.name;
    const CLI::Option* option = command.get_option_no_throw(flag);
    if (option && option->count() > 0) grid.set(setting.name, parse_list(flag, option->as<std::string>()));
  }
  if (grid.values("checkpoint").front().empty()) grid.set("checkpoint", {flags.network.checkpoint});
  return grid;
}

namespace {

/// A rank among several of one machine: the device of its number, and its part of the cores unless the
/// launcher bound it to some already or OMP_NUM_THREADS says how many.
CommonOptions share_of(const CommonOptions& common, const Ranks& ranks) {
  CommonOptions mine = common;
  mine.verbose = common.verbose && ranks.rank() == 0;
  if (ranks.size() == 1) return mine;
  // Rank 0 computes nothing: the first computing rank of its machine takes device 0.
  const int worker =
      std::max(0, ranks.rank() == ranks.local_rank() ? ranks.local_rank() - 1 : ranks.local_rank());
  const int gpus = usable_gpus(common.device);
  if (gpus > 0) mine.device = fmt::format("cuda:{}", worker % gpus);
  const int allowed = omp_get_max_threads();  // fewer than there are where the process is bound or told so
  const auto online = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  if (common.threads == 0)
    mine.threads = std::max(1, allowed < online ? allowed : online / ranks.local_size());
  return mine;
}

}  // namespace

SweepJob make_job(const SweepFlags& flags, const Grid& grid, const Ranks& ranks) {
  if (flags.workers > 1 && ranks.size() > 1)
    throw InputError(
        fmt::format("--workers {}: under a launcher every process is one worker", flags.workers));
  SweepJob job;
  job.options.evaluate = evaluate_options(flags.network);
  job.options.evaluate.stats_images = flags.stats_images;
  job.options.evaluate.verbose = flags.common.verbose;
  job.options.evaluate.note = print_note;
  job.options.cost_table = flags.cost.load();
  job.options.cost = flags.cost.options();

  std::map<std::string, NetworkSpec> specs;
  for (const std::string& file : grid.values("checkpoint")) {
    NetworkOptions one = flags.network;
    one.checkpoint = file;
    job.checkpoints.emplace(file, load_network(one));
    specs[file] = job.checkpoints.at(file).network;
  }
  job.points = grid.points(specs);
  job.images = open_test_images(flags.network);
  const CommonOptions mine = share_of(flags.common, ranks);
  // A rank is a worker by itself.
  job.places = worker_places(mine.device, mine.threads, ranks.size() > 1 ? 1 : flags.workers,
                             usable_gpus(mine.device));
  job.backend = make_backend(mine);
  job.networks = std::make_unique<SweepNetworks>(*job.backend, job.checkpoints);

  RowKey key;
  key.images = images_key(*job.images, flags.network.limit);
  key.hardware = hardware_key(job.options.cost_table, job.options.cost, flags.stats_images);
  std::map<std::string, std::string> checkpoints;
  for (const auto& [file, checkpoint] : job.checkpoints) checkpoints[file] = checkpoint_key(checkpoint);
  std::set<const QuantisedNetwork*> checked;
  for (const SweepPoint& point : job.points) {
    key.checkpoint = checkpoints[point.checkpoint];
    job.keys.push_back(key.str());
    const QuantisedNetwork& network = job.networks->of(point);
    if (checked.insert(&network).second)
      evaluate(*job.backend, network, *job.images, {}, job.options.evaluate);
  }
  return job;
}

}  // namespace sramsim
