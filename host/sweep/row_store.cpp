#include "host/sweep/row_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/formats/csv.h"
#include "host/sweep/row_key.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

constexpr const char* kFresh = "--fresh moves it away and starts anew";

std::vector<std::string> header() {
  std::vector<std::string> names;
  for (const SweepColumn& column : sweep_columns()) names.push_back(column.name);
  return names;
}

/// What makes a row the row of a point: its settings and its key. A checkpoint is known by its content.
std::string identity(const SweepRow& row) {
  std::string text = row[column_index("key")];
  for (size_t i = 0; i < row.size(); ++i)
    if (sweep_columns()[i].setting && sweep_columns()[i].name != "checkpoint") text += '\n' + row[i];
  return text;
}

std::string identity(const SweepPoint& point, const std::string& key) {
  SweepResult result;
  result.point = point;
  result.key = key;
  return identity(to_row(result));
}

/// The first thing in which a foreign row differs from this sweep, in words.
std::string difference(const SweepRow& row, std::span<const std::string> keys) {
  const RowKey there = parse_row_key(row[column_index("key")]);
  bool checkpoint = false, images = false, hardware = false;
  for (const std::string& text : keys) {
    const RowKey here = parse_row_key(text);
    checkpoint = checkpoint || here.checkpoint == there.checkpoint;
    images = images || here.images == there.images;
    hardware = hardware || here.hardware == there.hardware;
  }
  if (!checkpoint) return "holds rows of another checkpoint";
  if (!images) return "holds rows over other images (--dataset-dir or --limit)";
  if (!hardware)
    return "holds rows with other hardware costs (--cost-table, --adc-cost, --array-columns, "
           "--columns-per-adc or --stats-images)";
  return "holds points that are not in this grid";
}

/// `name`, or name.2, name.3, ... if that is there.
std::filesystem::path free_name(const std::string& name) {
  std::filesystem::path path = name;
  std::error_code failed;
  for (int k = 2; std::filesystem::exists(std::filesystem::symlink_status(path, failed)); ++k)
    path = name + "." + std::to_string(k);
  return path;
}

}  // namespace

RowStore::RowStore(const RowFiles& files, std::span<const SweepPoint> points,
                   std::span<const std::string> keys)
    : keys_(keys.begin(), keys.end()), rows_(points.size()), csv_(files.csv) {
  for (size_t p = 0; p < points.size(); ++p) index_.emplace(identity(points[p], keys[p]), p);
  if (!files.jsonl.empty()) jsonl_ = std::make_unique<LineFile>(files.jsonl);
  if (files.fresh) {
    csv_.move_away(free_name(csv_.path().string() + ".old"));
    if (jsonl_) jsonl_->move_away(free_name(jsonl_->path().string() + ".old"));
  }
  take_over();
  if (jsonl_) check_jsonl();
  rewrite();
}

/// Reads the CSV file; throws before anything is changed.
void RowStore::take_over() {
  const std::string path = csv_.path().string();
  const auto& lines = csv_.lines();
  const std::string expected = csv_line(header());
  const bool torn_header = lines.empty() && expected.starts_with(csv_.rest());
  if (!torn_header && (lines.empty() || lines.front() != expected))
    throw InputError(
        fmt::format("{}: holds something else than rows of this version's sweeps; {}", path, kFresh));
  for (size_t i = 1; i < lines.size(); ++i) {
    const auto row = parse_csv_line(lines[i]);
    if (!row || row->size() != sweep_columns().size())
      throw InputError(fmt::format("{}: line {}: is not a row of a sweep; {}", path, i + 1, kFresh));
    if ((*row)[column_index("schema_version")] != std::to_string(kSweepSchema))
      throw InputError(
          fmt::format("{}: line {}: is a row of another schema version; {}", path, i + 1, kFresh));
    const auto point = index_.find(identity(*row));
    if (point == index_.end())
      throw InputError(fmt::format("{}: line {}: {}; {}", path, i + 1, difference(*row, keys_), kFresh));
    if (failed(*row) || has(point->second)) continue;
    rows_[point->second] = *row;
    order_.push_back(point->second);
  }
}

/// The JSON lines may lag behind the CSV file or be new, but must not be something else.
void RowStore::check_jsonl() const {
  for (size_t i = 0; i < jsonl_->lines().size(); ++i) {
    const auto row = nlohmann::json::parse(jsonl_->lines()[i], nullptr, false);
    if (!row.is_object() || !row.contains("key") || !row.contains("schema_version"))
      throw InputError(
          fmt::format("{}: line {}: is not a row of a sweep; {}", jsonl_->path().string(), i + 1, kFresh));
    if (std::find(keys_.begin(), keys_.end(), row["key"]) == keys_.end())
      throw InputError(
          fmt::format("{}: line {}: is a row of another sweep; {}", jsonl_->path().string(), i + 1, kFresh));
  }
}

/// Brings the files to what is held in memory, if they are not there already.
void RowStore::rewrite() {
  std::vector<std::string> csv{csv_line(header())}, jsonl;
  for (const size_t point : order_) {
    csv.push_back(csv_line(*rows_[point]));
    if (jsonl_) jsonl.push_back(to_json(*rows_[point]).dump());
  }
  // A new file gets its header with the first row: a sweep that ends before leaves nothing behind.
  headed_ = csv.size() > 1 || !csv_.lines().empty();
  if (headed_ && (csv_.lines() != csv || !csv_.rest().empty())) csv_.replace(csv);
  if (jsonl_ && (jsonl_->lines() != jsonl || !jsonl_->rest().empty())) jsonl_->replace(jsonl);
}

size_t RowStore::finished() const {
  return order_.size();
}

void RowStore::add(size_t point, SweepRow row) {
  if (!headed_) csv_.append(csv_line(header()));
  headed_ = true;
  csv_.append(csv_line(row));
  if (jsonl_) jsonl_->append(to_json(row).dump());
  rows_[point] = std::move(row);
  order_.push_back(point);
}

std::vector<SweepRow> RowStore::finish() {
  if (!std::is_sorted(order_.begin(), order_.end())) {
    std::sort(order_.begin(), order_.end());
    rewrite();
  }
  return rows();
}

std::vector<SweepRow> RowStore::rows() const {
  std::vector<SweepRow> all;
  for (const size_t point : order_) all.push_back(*rows_[point]);
  return all;
}

}  // namespace sramsim
