// A grid of design points from a TOML file.
#pragma once

#include <filesystem>

#include "host/sweep/grid.h"

namespace sramsim {

/// Settings stand at the top or below [layer.NAME]; each is a value, a list of values and ranges, or a range:
/// {from = 1, to = 8, step = 1} or {from = 16, to = 512, times = 2}, both ends included. [[exclude]] tables
/// name settings (of one layer as conv1.adc-bits); a point that matches all of a table's is dropped. Names
/// with '_' are those with '-'. InputError "--grid FILE: line N: what is wrong".
Grid load_grid(const std::filesystem::path& path);

}  // namespace sramsim
