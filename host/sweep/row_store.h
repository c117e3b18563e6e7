// The files of a sweep: rows are added durably as they are found, a killed sweep is continued from them.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/formats/line_file.h"
#include "host/sweep/columns.h"

namespace sramsim {

struct RowFiles {
  std::filesystem::path csv;
  std::filesystem::path jsonl;  ///< one JSON object per row; empty: none
  bool fresh = false;           ///< move what is there to FILE.old and start anew
};

/// The CSV file is the record; the JSON lines are made from it and follow it. Both are locked while the store
/// lives.
class RowStore {
 public:
  /// `points` with the key of each. An existing CSV file is continued: rows that were not written to their
  /// end and failed points are dropped and count as missing. InputError, and the files stay as they are, if
  /// another process writes to one of them or if they hold anything but rows of these points.
  RowStore(const RowFiles& files, std::span<const SweepPoint> points, std::span<const std::string> keys);

  bool has(size_t point) const { return rows_[point].has_value(); }
  size_t finished() const;
  /// Appends the row and flushes it to disk. RunError.
  void add(size_t point, SweepRow row);
  /// Brings the rows into the order of the points where they are not (in one step), and returns those that
  /// are there.
  std::vector<SweepRow> finish();

 private:
  void take_over();
  void check_jsonl() const;
  void rewrite();
  std::vector<SweepRow> rows() const;

  std::map<std::string, size_t> index_;  ///< identity of a row -> its point
  std::vector<std::string> keys_;
  std::vector<std::optional<SweepRow>> rows_;  ///< by point
  std::vector<size_t> order_;                  ///< points in the order of the file
  LineFile csv_;
  std::unique_ptr<LineFile> jsonl_;
  bool headed_ = false;
};

}  // namespace sramsim
