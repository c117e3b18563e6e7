// What a sweep's files go through: cuts, foreign rows, order, two writers.
#include "host/sweep/row_store.h"

#include <gtest/gtest.h>

#include "kernels/core/error.h"
#include "tests/formats/scratch.h"

namespace sramsim {
namespace {

class RowStoreTest : public testing::Test {
 protected:
  RowStoreTest() {
    for (int i = 0; i < 4; ++i) {
      SweepResult r;
      r.point.array.subarray = 16 << i;
      r.key = "aa-bb-cc";
      r.accuracy = 0.9 + 0.01 * i;
      r.device = "cpu, \"quoted\"";
      if (i == 2) r.error = "failed,\nbadly";
      points_.push_back(r.point);
      rows_.push_back(to_row(r));
    }
  }

  RowFiles files(bool fresh = false) { return {scratch_ / "s.csv", scratch_ / "s.jsonl", fresh}; }
  RowStore open(bool fresh = false) { return {files(fresh), points_, keys_}; }
  /// What a run does: adds what is missing, last point first, and ends.
  void run(const std::vector<size_t>& order = {3, 2, 1, 0}) {
    RowStore store = open();
    for (const size_t p : order)
      if (!store.has(p)) store.add(p, rows_[p]);
    store.finish();
  }
  std::string csv() { return read_bytes(scratch_ / "s.csv"); }
  std::string jsonl() { return read_bytes(scratch_ / "s.jsonl"); }

  Scratch scratch_;
  std::vector<SweepPoint> points_;
  std::vector<SweepRow> rows_;
  std::vector<std::string> keys_ = std::vector<std::string>(4, "aa-bb-cc");
};

TEST_F(RowStoreTest, TheOrderOfTheFinishedFileIsThatOfThePoints) {
  run({0, 1, 2, 3});
  const std::string in_order = csv(), lines = jsonl();
  EXPECT_EQ(std::count(in_order.begin(), in_order.end(), '\n'), 5);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 4);
  for (const char* name : {"s.csv", "s.jsonl"}) std::filesystem::remove(scratch_ / name);
  run({2, 0, 3, 1});
  EXPECT_EQ(csv(), in_order);
  EXPECT_EQ(jsonl(), lines);
}

TEST_F(RowStoreTest, ACutAnywhereInEitherFileIsRepaired) {
  run();
  const std::string whole = csv(), lines = jsonl();
  for (size_t cut = 0; cut <= whole.size(); cut += cut % 300 < 20 ? 1 : 17) {
    scratch_.write("s.csv", whole.substr(0, cut));
    scratch_.write("s.jsonl", lines.substr(0, std::min(lines.size(), cut * lines.size() / whole.size())));
    run();
    ASSERT_EQ(csv(), whole) << "cut after " << cut << " bytes";
    ASSERT_EQ(jsonl(), lines) << "cut after " << cut << " bytes";
  }
}

TEST_F(RowStoreTest, FailedPointsAreTriedAgain) {
  run();
  const RowStore store = open();
  EXPECT_EQ(store.finished(), 3u);
  EXPECT_FALSE(store.has(2));
}

TEST_F(RowStoreTest, OtherRowsAreRefusedAndStay) {
  run();
  const std::string whole = csv();
  const auto refused = [&](const std::vector<std::string>& keys, const std::vector<SweepPoint>& points) {
    const std::string said = error_of([&] { RowStore store(files(), points, keys); });
    EXPECT_EQ(csv(), whole);
    return said;
  };
  using K = std::vector<std::string>;
  EXPECT_NE(refused(K(4, "xx-bb-cc"), points_).find("s.csv: line 2: holds rows of another checkpoint"),
            std::string::npos);
  EXPECT_NE(refused(K(4, "aa-xx-cc"), points_).find("over other images"), std::string::npos);
  EXPECT_NE(refused(K(4, "aa-bb-xx"), points_).find("hardware costs"), std::string::npos);
  EXPECT_NE(refused(K(3, "aa-bb-cc"), {points_.begin(), points_.begin() + 3}).find("not in this grid"),
            std::string::npos);
  for (const char* other : {"my notes", "my notes\n", "a,b\n1,2\n"}) {
    scratch_.write("s.csv", other);
    EXPECT_ERROR_SAYS(open(), "something else than rows");
    EXPECT_EQ(csv(), other);
  }
  scratch_.write("s.csv", whole + "1,2\n");
  EXPECT_ERROR_SAYS(open(), "line 6: is not a row");
  scratch_.write("s.csv", whole);
  scratch_.write("s.jsonl", "{\"a\": 1}\n");
  EXPECT_ERROR_SAYS(open(), "s.jsonl: line 1");
  EXPECT_EQ(jsonl(), "{\"a\": 1}\n");
}

TEST_F(RowStoreTest, MorePointsContinueAFile) {
  const auto all = points_;
  points_.resize(2);
  keys_.resize(2);
  run({0, 1});
  points_ = all;
  keys_.resize(4, keys_[0]);
  EXPECT_EQ(open().finished(), 2u);
}

TEST_F(RowStoreTest, FreshKeepsTheOldFileBeside) {
  run();
  const std::string whole = csv();
  { RowStore store = open(true); }
  EXPECT_EQ(read_bytes(scratch_ / "s.csv.old"), whole);
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "s.csv"));
  run();
  { RowStore store = open(true); }
  EXPECT_EQ(read_bytes(scratch_ / "s.csv.old"), whole) << "the first rows stay";
  EXPECT_TRUE(std::filesystem::exists(scratch_ / "s.csv.old.2"));
}

TEST_F(RowStoreTest, TwoWritersAreRefused) {
  const RowStore first = open();
  EXPECT_ERROR_SAYS(open(), "s.csv: another process is writing to it");
}

}  // namespace
}  // namespace sramsim
