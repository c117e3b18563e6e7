// Aligned text tables for reports.
#pragma once

#include <string>
#include <vector>

namespace sramsim {

class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// Two spaces between columns; columns of numbers to the right, others to the left; a rule under the
  /// header.
  std::string str() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// 1234567 -> "1,234,567".
std::string group_digits(long long value);

}  // namespace sramsim
