// --figures and --no-figures: the pictures that a sweep ends with.
#pragma once

#include <CLI/App.hpp>
#include <cstddef>
#include <string>

#include "host/sweep/figures.h"

namespace sramsim {

void add_figure_options(CLI::App& command, FigureOptions& options);

/// Whether end_with_figures() would try to draw so many points.
bool figures_come(size_t points, const std::string& csv, const FigureOptions& options);

/// Draws the rows of `csv` if there are two points or more, and prints where, or why not.
void end_with_figures(size_t points, const std::string& csv, const FigureOptions& options,
                      const PointHistograms& histograms, bool quiet);

}  // namespace sramsim
