// A sweep of 24 points for the tests of the command, and its rows.
#pragma once

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "host/formats/csv.h"
#include "tests/cli/cli.h"

namespace sramsim::test {

using Arguments = std::vector<std::string>;

inline const Arguments kGrid = {"--limit",    "20",    "--subarray", "16,32,64,128",
                                "--adc-bits", "2,3,0", "--adc-mode", "uniform,saturating",
                                "--csv",      "s.csv", "--jsonl",    "s.jsonl"};

inline Arguments sweep(const Arguments& more) {
  Arguments all = {"sweep", "--checkpoint", kTorchCheckpoint.string(), "--dataset-dir", kMnist.string()};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

inline Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// The rows of a CSV file without the one column that is never the same.
inline std::vector<std::string> rows_without_seconds(const fs::path& csv) {
  std::vector<std::string> rows;
  std::istringstream in(read_text(csv));
  size_t seconds = 0;
  for (std::string line; std::getline(in, line);) {
    auto cells = parse_csv_line(line);
    if (!cells) return {"not CSV: " + line};
    if (rows.empty())
      seconds = static_cast<size_t>(std::find(cells->begin(), cells->end(), "seconds") - cells->begin());
    if (seconds < cells->size()) cells->erase(cells->begin() + static_cast<ptrdiff_t>(seconds));
    rows.push_back(csv_line(*cells));
  }
  return rows;
}

}  // namespace sramsim::test
