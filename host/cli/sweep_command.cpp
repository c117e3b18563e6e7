// sramsim sweep: a grid of design points to CSV, JSON lines and JSON; what was interrupted is continued.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "host/cli/commands.h"
#include "host/cli/sweep_job.h"
#include "host/formats/atomic_file.h"
#include "host/sweep/estimate.h"
#include "host/sweep/report.h"
#include "host/sweep/row_store.h"
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
      estimate_sweep(*job.backend, *job.networks, job.dataset, job.points, job.keys, plan.units, job.options);
  fmt::print("{} points, {} with numbers of their own, {} that fit no layer\n", job.points.size(),
             work.distinct, plan.unfit.size());
  fmt::print("{} passes over the images; per step {} layer evaluations instead of {} one by one\n",
             plan.units.size(), work.passes, work.alone);
  fmt::print("about {} on {} ({})\n", format_duration(estimate.seconds), job.backend->describe(),
             estimate.how);
}

/// Computes what is missing; rows go to the store as they are found.
void compute(const SweepFlags& flags, SweepJob& job, RowStore& store) {
  std::vector<size_t> missing;
  for (size_t p = 0; p < job.points.size(); ++p)
    if (!store.has(p)) missing.push_back(p);
  const Plan plan = make_plan(job, missing, 1);
  if (flags.common.verbose) say_what_is_shared(job, plan);
  SweepRunner runner(*job.backend, *job.networks, job.dataset, job.points, job.keys, job.options);
  for (const auto& [point, error] : plan.unfit) store.add(point, to_row(runner.failure(point, error)));

  // Counted in images times points, so that the rate and the time left hold for passes of any size.
  const auto images = static_cast<double>(runner.images());
  double done = 0;
  Progress progress("sweep", "images",
                    static_cast<int64_t>(static_cast<double>(missing.size() - plan.unfit.size()) * images),
                    !flags.common.quiet);
  for (const WorkUnit& unit : plan.units) {
    const double size = static_cast<double>(unit.size()) * images;
    const auto show = [&](double share) {
      progress.update(static_cast<int64_t>(done + share * size),
                      fmt::format("{} of {} points", store.finished(), job.points.size()));
    };
    const auto results = runner.run(unit, show);
    for (size_t i = 0; i < unit.size(); ++i) store.add(unit[i], to_row(results[i]));
    done += size;
    show(0.0);
  }
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
    throw RunError(fmt::format("{} of {} points failed (column error of {}), the first: {}: {}", count,
                               rows.size(), csv, describe(points[first]),
                               rows[first][column_index("error")]));
}

void sweep(const SweepFlags& flags, const CLI::App& command) {
  check_output_folder("--csv", flags.csv);
  check_output_folder("--jsonl", flags.jsonl);
  check_output_folder("--json", flags.json);
  const Grid grid = make_grid(flags, command);
  SweepJob job = make_job(flags, grid);
  if (flags.dry_run) return dry_run(job);

  RowStore store({flags.csv, flags.jsonl, flags.fresh}, job.points, job.keys);
  const size_t kept = store.finished();
  if (kept > 0 && !flags.common.quiet)
    fmt::print(stderr, "{}: {} of {} points are there already\n", flags.csv, kept, job.points.size());
  compute(flags, job, store);
  const auto rows = store.finish();
  if (!flags.json.empty()) write_json(flags, job, rows);
  if (!flags.common.quiet) {
    double seconds = 0, images = 0;
    for (const SweepRow& row : rows) {
      seconds += number(row, "seconds");
      images = std::max(images, number(row, "images"));
    }
    fmt::print("{} images, {} points in {:.2f} s on {}\n{}\n{}rows in {}\n", images, rows.size(), seconds,
               job.backend->describe(), to_table(rows), describe_best(rows, flags.within / 100), flags.csv);
  }
  end_with_figures(rows.size(), flags.csv, flags.figures, flags.common.quiet);
  throw_if_failed(flags.csv, rows, job.points);
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
      .add_flag("--fresh", flags.fresh,
                "do not continue the files of --csv and --jsonl: move them to FILE.old")
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
      ->check(CLI::Range(int64_t{0}, std::numeric_limits<int64_t>::max()))
      ->type_name("N")
      ->group("Hardware cost");
  add_output_options(*command, *flags);
  add_figure_options(*command, flags->figures);
  add_engine_options(*command, flags->network);
  add_common_options(*command, flags->common);
  command->callback([flags, command] { sweep(*flags, *command); });
}

}  // namespace sramsim
