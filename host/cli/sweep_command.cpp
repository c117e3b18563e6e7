// sramsim sweep: a grid of design points to CSV and JSON.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "host/cli/array_options.h"
#include "host/cli/commands.h"
#include "host/cli/common.h"
#include "host/cli/figure_options.h"
#include "host/cli/network_options.h"
#include "host/formats/atomic_file.h"
#include "host/sweep/report.h"
#include "host/util/parse.h"
#include "host/util/progress.h"
#include "host/util/version.h"

namespace sramsim {
namespace {

struct SweepCommand {
  CommonOptions common;
  NetworkOptions network;
  ArrayOptions array;
  std::string map_linear = "false";
  std::string wbits = "0", abits = "0";
  std::string csv = "sweep.csv", json;
  FigureOptions figures;
};

std::vector<int> widths(const std::string& option, const std::string& text, int low, int checkpoint_bits) {
  std::vector<int> all;
  for (const std::string& item : parse_list(option, text))
    all.push_back(item == "0" ? checkpoint_bits : parse_int(option, item, low, 8));
  return all;
}

Grid make_grid(const SweepCommand& command, const NetworkSpec& network) {
  Grid grid;
  grid.weight_bits = widths("--wbits", command.wbits, 2, network.weight_bits);
  grid.act_bits = widths("--abits", command.abits, 1, network.act_bits);
  grid.map_linear.clear();
  for (const std::string& item : parse_list("--map-linear", command.map_linear))
    grid.map_linear.push_back(parse_bool("--map-linear", item));
  grid.array_values = command.array.values();
  return grid;
}

void sweep(const SweepCommand& command) {
  check_output_folder("--csv", command.csv);
  check_output_folder("--json", command.json);
  command.array.values();  // the cheapest errors first
  const Checkpoint checkpoint = load_network(command.network);
  const auto points = make_grid(command, checkpoint.network).points();
  const Dataset dataset = load_test_images(command.network);
  const auto backend = make_backend(command.common);

  SweepOptions options;
  options.evaluate = evaluate_options(command.network);
  options.evaluate.verbose = command.common.verbose;
  options.evaluate.note = print_note;
  Progress progress(fmt::format("sweep of {} points", points.size()), "images", 1, !command.common.quiet);
  options.evaluate.progress = [&](int64_t done, int64_t total) { progress.update(done, total); };
  // The file is whole after every pass: an interrupted sweep keeps the passes it finished.
  options.on_rows = [&](std::span<const SweepRow> rows) { write_atomically(command.csv, to_csv(rows)); };
  const auto rows = run_sweep(*backend, checkpoint, dataset, points, options);
  progress.finish();

  if (!command.json.empty()) {
    const nlohmann::json j = {{"checkpoint", command.network.checkpoint},
                              {"dataset_dir", command.network.dataset_dir},
                              {"device", backend->describe()},
                              {"version", version_line()},
                              {"rows", to_json_rows(rows)}};
    write_atomically(command.json, j.dump(2) + "\n");
  }
  if (command.common.quiet) return end_with_figures(rows.size(), command.csv, command.figures, true);
  double seconds = 0;
  for (const SweepRow& row : rows) seconds += row.seconds;
  fmt::print("{}, {} images, {} points in {:.2f} s on {}\n{}\nrows in {}\n", command.network.checkpoint,
             rows.front().images, rows.size(), seconds, backend->describe(), to_table(rows), command.csv);
  end_with_figures(rows.size(), command.csv, command.figures, false);
}

}  // namespace

void add_sweep_command(CLI::App& app) {
  auto options = std::make_shared<SweepCommand>();
  CLI::App* command = add_command(
      app, "sweep", "accuracy over a grid of design points, to CSV: every setting takes a list, 32,64,128");
  add_network_options(*command, options->network);
  command
      ->add_option("--wbits", options->wbits, "weight bits B, 2..8; 0 is the checkpoint's (4 if it has none)")
      ->type_name("BITS,...");
  command
      ->add_option("--abits", options->abits,
                   "activation bits A, 1..8; 0 is the checkpoint's (4 if it has none)")
      ->type_name("BITS,...");
  add_array_options(*command, options->array, true);
  command
      ->add_option("--map-linear", options->map_linear,
                   "put linear layers on subarrays too: false, true or both")
      ->type_name("BOOL,...")
      ->group("Subarrays");
  command
      ->add_option("--csv", options->csv,
                   "rows: every setting, accuracy, ideal_accuracy, images, seconds, device")
      ->type_name("FILE")
      ->group("Output");
  command->add_option("--json", options->json, "the same rows as JSON")->type_name("FILE")->group("Output");
  add_figure_options(*command, options->figures);
  add_engine_options(*command, options->network);
  add_common_options(*command, options->common);
  command->callback([options] { sweep(*options); });
}

}  // namespace sramsim
