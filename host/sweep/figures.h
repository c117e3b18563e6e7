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

/// Draws the rows of `file` (CSV or JSON) and waits for it. Returns a line for people: where the pictures are
/// or why there are none; empty if none were wanted. SRAMSIM_SCRIPTS in the environment names the folder of
/// figures.sh instead of the source tree the program was built from; set but empty, it switches pictures off.
/// Throws nothing but std::bad_alloc: a sweep that has its rows is a success.
std::string draw_figures(const std::filesystem::path& file, const FigureOptions& options);

}  // namespace sramsim
