#include "host/cli/figure_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "host/cli/common.h"

namespace sramsim {

void add_figure_options(CLI::App& command, FigureOptions& options) {
  command
      .add_option("--figures", options.folder,
                  "folder of the pictures and of the report of two or more points; empty takes FILE_figures "
                  "beside the CSV. Python 3 and matplotlib draw them; without those there are none")
      ->type_name("DIR")
      ->group("Output");
  command.add_flag("--no-figures", options.off, "draw no pictures")->group("Output");
}

bool figures_come(size_t points, const std::string& csv, const FigureOptions& options) {
  return points >= 2 && figures_wanted(csv, options);
}

void end_with_figures(size_t points, const std::string& csv, const FigureOptions& options,
                      const PointHistograms& histograms, bool quiet) {
  if (!figures_come(points, csv, options)) return;
  std::fflush(stdout);  // the table is read while Python starts
  const std::string said = draw_figures(csv, options, histograms);
  if (!quiet && !said.empty()) fmt::print("{}\n", said);
  // What was asked for by name and failed is no summary.
  if (quiet && !options.folder.empty() && said.starts_with("no figures")) print_note(said);
}

}  // namespace sramsim
