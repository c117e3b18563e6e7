#include "host/util/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace sramsim {
namespace {

/// Numbers, percentages and placeholders are set to the right.
bool numeric(const std::string& cell) {
  return cell.empty() || cell.find_first_not_of("0123456789.,+-e %") == std::string::npos;
}

}  // namespace

std::string TextTable::str() const {
  const size_t columns = rows_.front().size();
  std::vector<size_t> width(columns, 0);
  std::vector<bool> right(columns, true);
  for (size_t r = 0; r < rows_.size(); ++r)
    for (size_t c = 0; c < columns; ++c) {
      width[c] = std::max(width[c], rows_[r][c].size());
      if (r > 0 && !numeric(rows_[r][c])) right[c] = false;
    }
  std::string text;
  size_t total = 0;
  for (size_t r = 0; r < rows_.size(); ++r) {
    std::string line;
    for (size_t c = 0; c < columns; ++c) {
      if (c > 0) line += "  ";
      line += right[c] ? fmt::format("{:>{}}", rows_[r][c], width[c])
                       : fmt::format("{:<{}}", rows_[r][c], width[c]);
    }
    total = std::max(total, line.size());
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
    if (r == 0) text += std::string(total, '-') + "\n";
  }
  return text;
}

std::string group_digits(long long value) {
  const std::string digits = std::to_string(value);
  std::string grouped;
  for (size_t i = 0; i < digits.size(); ++i) {
    const size_t left = digits.size() - i;
    if (i > 0 && left % 3 == 0 && digits[i - 1] != '-') grouped.push_back(',');
    grouped.push_back(digits[i]);
  }
  return grouped;
}

}  // namespace sramsim
