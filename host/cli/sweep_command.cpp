// sramsim sweep: a grid of design points to CSV, JSON lines and JSON; what was interrupted is continued.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>

#include "host/cli/commands.h"
#include "host/cli/sweep_histograms.h"
#include "host/cli/sweep_job.h"
#include "host/formats/atomic_file.h"
#include "host/sweep/distribute.h"
#include "host/sweep/estimate.h"
#include "host/sweep/report.h"
#include "host/sweep/row_store.h"
#include "host/util/memory.h"
#include "host/util/progress.h"
#include "host/util/version.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

/// Points that are missing, as units; points that fit no layer are told apart.
struct Plan {
  std::vector<WorkUnit> units;
  std::map<size_t, std::string> unfit;
};

Plan make_plan(SweepJob& job, const std::vector<size_t>& missing, size_t workers) {
  Plan plan;
  plan.units =
      make_work_units(*job.networks, job.points, missing, job.options.points_per_pass, workers, plan.unfit);
  if (plan.units.empty() && plan.unfit.size() == job.points.size())
    throw InputError(fmt::format("no point fits the network; point {}: {}", describe(job.points.front()),
                                 plan.unfit.begin()->second));
  return plan;
}

void say_what_is_shared(SweepJob& job, const Plan& plan) {
  for (size_t k = 0; job.places.size() > 1 && k < job.places.size(); ++k)
    fmt::print(stderr, "worker {} of {}: device {}, {} CPU thread{}\n", k + 1, job.places.size(),
               job.places[k].device, job.places[k].threads, job.places[k].threads == 1 ? "" : "s");
  for (size_t u = 0; u < plan.units.size(); ++u)
    fmt::print(stderr, "pass {} of {}: {}", u + 1, plan.units.size(),
               explain(*job.networks, job.points, plan.units[u]));
}

void dry_run(SweepJob& job) {
  std::vector<size_t> all;
  for (size_t p = 0; p < job.points.size(); ++p) all.push_back(p);
  const Plan plan = make_plan(job, all, 1);
  std::vector<SweepRow> rows;
  for (size_t p = 0; p < job.points.size(); ++p) {
    SweepResult result;
    result.point = job.points[p];
    if (plan.unfit.contains(p)) result.error = plan.unfit.at(p);
    rows.push_back(to_row(result));
  }
  fmt::print("{}\n", to_point_table(rows));
  SharedWork work;
  for (const WorkUnit& unit : plan.units) work += shared_work(*job.networks, job.points, unit);
  const Estimate estimate =
      estimate_sweep(*job.backend, *job.networks, *job.images, job.points, job.keys, plan.units, job.options);
  fmt::print("{} points, {} with numbers of their own, {} that fit no layer\n", job.points.size(),
             work.distinct, plan.unfit.size());
  fmt::print("{} passes over the images; per step {} layer evaluations instead of {} one by one\n",
             plan.units.size(), work.passes, work.alone);
  // Workers without devices of their own share the cores that this one has.
  const bool one_of_several = job.places.size() > 1 && job.places.front().device.starts_with("cuda");
  fmt::print("about {}{} on {} ({})\n", format_duration(estimate.seconds),
             one_of_several ? fmt::format(" for one worker of {}", job.places.size()) : "",
             job.backend->describe(), estimate.how);
}

/// Counted in images times points, so that the rate and the time left hold for passes of any size.
class PointProgress {
 public:
  PointProgress(const SweepFlags& flags, const SweepJob& job, const RowStore& store, size_t missing,
                int64_t images)
      : store_(store),
        points_(job.points.size()),
        images_(static_cast<double>(images)),
        progress_("sweep", "images", static_cast<int64_t>(missing) * images, !flags.common.quiet) {}

  /// `points`: worth of work in units that are not done yet.
  void show(double points) {
    progress_.update(static_cast<int64_t>((done_ + points) * images_),
                     fmt::format("{} of {} points", store_.finished(), points_));
  }
  void done(const WorkUnit& unit) {
    done_ += static_cast<double>(unit.size());
    show(0.0);
  }

 private:
  const RowStore& store_;
  size_t points_;
  double images_, done_ = 0;
  Progress progress_;
};

std::vector<SweepRow> to_rows(std::span<const SweepResult> results) {
  std::vector<SweepRow> rows;
  for (const SweepResult& result : results) rows.push_back(to_row(result));
  return rows;
}

/// Computes what is missing, here or on the other ranks; rows go to the store as they are found.
void compute(const SweepFlags& flags, SweepJob& job, Ranks& ranks, SweepRunner& runner, RowStore& store) {
  std::vector<size_t> missing;
  for (size_t p = 0; p < job.points.size(); ++p)
    if (!store.has(p)) missing.push_back(p);
  const size_t workers = ranks.size() > 1 ? static_cast<size_t>(ranks.size() - 1) : job.places.size();
  const Plan plan = make_plan(job, missing, workers);
  if (flags.common.verbose) say_what_is_shared(job, plan);
  for (const auto& [point, error] : plan.unfit) store.add(point, to_row(runner.failure(point, error)));

  PointProgress progress(flags, job, store, missing.size() - plan.unfit.size(), runner.images());
  const auto keep = [&](const WorkUnit& unit, std::vector<SweepRow> rows) {
    for (size_t i = 0; i < unit.size(); ++i) store.add(unit[i], std::move(rows[i]));
    progress.done(unit);
  };
  if (ranks.size() > 1) return hand_out(ranks, plan.units, keep);
  if (plan.units.empty()) return;
  if (job.places.size() > 1)
    return work_side_by_side(
        job.places, {job.checkpoints, *job.images, job.points, job.keys, job.options}, plan.units,
        [&](const WorkUnit& unit, const std::vector<SweepResult>& results) { keep(unit, to_rows(results)); },
        [&](double points) { progress.show(points); });
  for (const WorkUnit& unit : plan.units)
    keep(unit, to_rows(runner.run(
                   unit, [&](double share) { progress.show(share * static_cast<double>(unit.size())); })));
}

void write_json(const SweepFlags& flags, const SweepJob& job, std::span<const SweepRow> rows) {
  auto checkpoints = nlohmann::json::array();
  for (const auto& [file, checkpoint] : job.checkpoints) checkpoints.push_back(file);
  const nlohmann::json j = {{"checkpoint", checkpoints.size() == 1 ? checkpoints.front() : checkpoints},
                            {"dataset_dir", flags.network.dataset_dir},
                            {"device", job.backend->describe()},
                            {"version", version_line()},
                            {"schema_version", kSweepSchema},
                            {"rows", to_json_rows(rows)}};
  write_atomically(flags.json, j.dump(2) + "\n");
}

/// Thrown when everything else is done.
class PointsFailed : public RunError {
 public:
  using RunError::RunError;
};

/// Points that could not be computed are an error of the run, once the others are safe.
void throw_if_failed(const std::string& csv, std::span<const SweepRow> rows,
                     std::span<const SweepPoint> points) {
  size_t count = 0, first = 0;
  for (size_t i = rows.size(); i-- > 0;)
    if (failed(rows[i])) {
      ++count;
      first = i;
    }
  if (count > 0)
    throw PointsFailed(fmt::format("{} of {} points failed (column error of {}), the first: {}: {}", count,
                                   rows.size(), csv, describe(points[first]),
                                   rows[first][column_index("error")]));
}

void report(const SweepFlags& flags, std::span<const SweepRow> rows) {
  double seconds = 0, images = 0;
  for (const SweepRow& row : rows) {
    seconds += number(row, "seconds");
    images = std::max(images, number(row, "images"));
  }
  fmt::print("{} images, {} points, {:.2f} s of computing on {}, {:.0f} MiB at most\n{}\n{}rows in {}\n",
             images, rows.size(), seconds, rows.front()[column_index("device")],
             static_cast<double>(peak_memory_bytes()) / (1 << 20), to_table(rows),
             describe_best(rows, flags.within / 100), flags.csv);
}

/// The rows are safe: what goes wrong here costs pictures, no more.
void draw(const SweepFlags& flags, SweepJob& job, std::span<const SweepRow> rows) {
  if (!figures_come(rows.size(), flags.csv, flags.figures)) return;
  PointHistograms histograms;
  try {
    histograms = count_partial_sums(job, rows, flags.within / 100, flags.histogram_images);
  } catch (const RunError& e) {
    if (!flags.common.quiet) fmt::print("no partial-sum histograms: {}\n", e.what());
  } catch (const InputError& e) {
    if (!flags.common.quiet) fmt::print("no partial-sum histograms: {}\n", e.what());
  }
  end_with_figures(rows.size(), flags.csv, flags.figures, histograms, flags.common.quiet);
}

/// Rank 0, or the only one.
void lead(const SweepFlags& flags, SweepJob& job, Ranks& ranks, SweepRunner& runner, RowStore& store) {
  if (store.finished() > 0 && !flags.common.quiet)
    fmt::print(stderr, "{}: {} of {} points are there already\n", flags.csv, store.finished(),
               job.points.size());
  compute(flags, job, ranks, runner, store);
  const auto rows = store.finish();
  if (!flags.json.empty()) write_json(flags, job, rows);
  if (!flags.common.quiet) report(flags, rows);
  draw(flags, job, rows);
  throw_if_failed(flags.csv, rows, job.points);
}

/// What a rank needs to start; null members where a dry run needs none.
struct Started {
  SweepJob job;
  std::unique_ptr<RowStore> store;  ///< of rank 0
};

void check_files(const SweepFlags& flags, const Grid& grid) {
  std::vector<NamedFile> inputs = {
      {"--grid", flags.grid}, {"--config", flags.common.config}, {"--cost-table", flags.cost.table}};
  for (const std::string& checkpoint : grid.values("checkpoint"))
    inputs.push_back({"--checkpoint", checkpoint.empty() ? flags.network.checkpoint : checkpoint});
  check_outputs({{"--csv", flags.csv}, {"--jsonl", flags.jsonl}, {"--json", flags.json}}, inputs);
}

std::unique_ptr<Started> start(const SweepFlags& flags, const CLI::App& command, const Ranks& ranks) {
  const Grid grid = make_grid(flags, command);
  check_files(flags, grid);
  auto made = std::make_unique<Started>();
  made->job = make_job(flags, grid, ranks);
  if (flags.dry_run || ranks.rank() != 0) return made;
  made->store = std::make_unique<RowStore>(RowFiles{flags.csv, flags.jsonl, flags.fresh}, made->job.points,
                                           made->job.keys);
  return made;
}

void sweep(const SweepFlags& flags, const CLI::App& command) {
  Ranks ranks;
  std::unique_ptr<Started> started;
  std::exception_ptr failure;
  try {
    started = start(flags, command, ranks);
  } catch (...) {
    failure = std::current_exception();
  }
  // Bad input usually fails everywhere: one rank says so, and all of them end.
  const int first = ranks.first_failure(failure != nullptr);
  if (first == ranks.rank()) std::rethrow_exception(failure);
  if (first >= 0) return;

  SweepJob& job = started->job;
  try {
    if (flags.dry_run) return ranks.rank() == 0 ? dry_run(job) : void();
    SweepRunner runner(*job.backend, *job.networks, *job.images, job.points, job.keys, job.options);
    if (ranks.rank() == 0) return lead(flags, job, ranks, runner, *started->store);
    work_for_rank_0(ranks, [&](const WorkUnit& unit) { return to_rows(runner.run(unit)); });
  } catch (const PointsFailed&) {
    throw;  // all ranks have ended their work
  } catch (const std::exception& e) {
    if (ranks.size() == 1) throw;
    fmt::print(stderr, "sramsim: rank {}: {}\n", ranks.rank(), e.what());
    ranks.abort(1);
  }
}

void add_output_options(CLI::App& command, SweepFlags& flags) {
  const std::string group = "Output";
  command
      .add_option(
          "--csv", flags.csv,
          "rows: every setting, accuracy, ideal_accuracy, images, seconds, device, status, error, hardware "
          "cost; a file that an interrupted sweep left is continued")
      ->type_name("FILE")
      ->group(group);
  command.add_option("--jsonl", flags.jsonl, "the same rows as JSON lines, as they are found")
      ->type_name("FILE")
      ->group(group);
  command.add_option("--json", flags.json, "the same rows as one JSON file, at the end")
      ->type_name("FILE")
      ->group(group);
  command
      .add_flag(
          "--fresh", flags.fresh,
          "do not continue the files of --csv and --jsonl: move them to FILE.old, or to FILE.old.2 and so on "
          "where that is there")
      ->group(group);
  command
      .add_flag(
          "--dry-run", flags.dry_run,
          "list the points, say what they share and about how long they take; compute and write nothing")
      ->group(group);
  command
      .add_option(
          "--within", flags.within,
          "accuracy loss against the ideal network, in percent of the images, for which the summary names "
          "the best points")
      ->check(CLI::Range(0.0, 100.0))
      ->type_name("PERCENT")
      ->group(group);
}

}  // namespace

void add_sweep_command(CLI::App& app) {
  auto flags = std::make_shared<SweepFlags>();
  CLI::App* command = add_command(app, "sweep",
                                  "accuracy and hardware cost over a grid of design points, to CSV: every "
                                  "setting takes a list, 32,64,128");
  add_network_options(*command, flags->network);
  command
      ->add_option("--grid", flags->grid,
                   "TOML file with lists and ranges of settings, exclusions and settings of single layers "
                   "(an example: "
                   "scripts/grids/full.toml); flags win over it")
      ->type_name("FILE");
  command
      ->add_option("--wbits", flags->wbits, "weight bits B, 2..8; 0 is the checkpoint's (4 if it has none)")
      ->type_name("BITS,...");
  command
      ->add_option("--abits", flags->abits,
                   "activation bits A, 1..8; 0 is the checkpoint's (4 if it has none)")
      ->type_name("BITS,...");
  add_array_options(*command, flags->array, true);
  command
      ->add_option("--map-linear", flags->map_linear,
                   "put linear layers on subarrays too: false, true or both")
      ->type_name("BOOL,...")
      ->group("Subarrays");
  add_cost_options(*command, flags->cost);
  command
      ->add_option(
          "--stats-images", flags->stats_images,
          "measure the set input bits, which the wordline energy depends on, on so many first images; with "
          "0 every bit counts as set")
      ->check(whole_number())
      ->type_name("N")
      ->group("Hardware cost");
  add_output_options(*command, *flags);
  add_figure_options(*command, flags->figures);
  command
      ->add_option(
          "--histogram-images", flags->histogram_images,
          "one of the pictures shows the partial sums of the point that the summary names, counted on "
          "so many first images; 0 leaves it out")
      ->check(whole_number())
      ->type_name("N")
      ->group("Output");
  add_engine_options(*command, flags->network);
  add_common_options(*command, flags->common);
  command
      ->add_option(
          "--workers", flags->workers,
          "points computed side by side, each worker on a GPU of its own or on its part of the CPU's "
          "threads; 0: as many as there are usable GPUs")
      ->check(CLI::Range(0, 4096))
      ->type_name("N")
      ->group("Run");
  command->callback([flags, command] { sweep(*flags, *command); });
}

}  // namespace sramsim
