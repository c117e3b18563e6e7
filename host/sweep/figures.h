// Pictures of a sweep, drawn by scripts/figures.sh (Python and matplotlib) from the file that was written.
// The program itself needs neither: where they are missing there are no pictures, and one line says so.
#pragma once

#include <filesystem>
#include <string>

namespace sramsim {

struct FigureOptions {
  bool off = false;
  std::string folder{};  ///< empty: beside the rows, their name without its ending + "_figures"
};

/// Partial sums of one point, for one more picture.
struct PointHistograms {
  std::string csv{};  ///< as to_csv() of its LayerHistograms gives them; empty: none
  std::string of{};   ///< point and images, in words
};

/// Whether draw_figures() would try: neither options nor environment switch pictures off.
bool figures_wanted(const std::filesystem::path& file, const FigureOptions& options);

/// Draws the rows of `file` (CSV or JSON) and `histograms`, which it leaves beside the pictures as
/// partial_sums.csv, and waits for it. Returns a line for people: where the pictures are or why there are
/// none; empty if none were wanted. SRAMSIM_SCRIPTS in the environment names the folder of figures.sh instead
/// of the source tree the program was built from; set but empty, it switches pictures off. Throws nothing but
/// std::bad_alloc: a sweep that has its rows is a success.
std::string draw_figures(const std::filesystem::path& file, const FigureOptions& options,
                         const PointHistograms& histograms = {});

}  // namespace sramsim
