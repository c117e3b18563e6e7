// sramsim sweep: killed, continued, refused, with points that fail.
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/sweep_rows.h"

namespace sramsim::test {
namespace {

TEST(SweepCommand, KilledAtAnyMomentItEndsWithTheSameRows) {
  const TempFolder whole, killed;
  ASSERT_EQ(sramsim(sweep(kGrid), whole.path()).exit_code, 0);
  const auto expected = rows_without_seconds(whole / "s.csv");
  ASSERT_EQ(expected.size(), 1u + 4 * 3 * 2);

  size_t kills_amid = 0;
  for (const size_t rows : {1u, 3u, 8u, 14u}) {  // as soon as so many rows are there
    const CliResult r = sramsim_killed(sweep(kGrid), killed.path(), killed / "s.csv", rows);
    if (r.exit_code != 128 + SIGKILL) continue;  // it was faster
    const size_t left = rows_without_seconds(killed / "s.csv").size() - 1;
    kills_amid += left > 0 && left < expected.size() - 1;
  }
  EXPECT_GT(kills_amid, 0u);
  write_text(killed / "s.csv", read_text(killed / "s.csv") + "models/x,4,4,fal");  // and a torn line
  const CliResult r = sramsim(sweep(kGrid), killed.path());
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_NE(r.err.find("are there already"), std::string::npos) << r.err;
  EXPECT_EQ(rows_without_seconds(killed / "s.csv"), expected);
  EXPECT_EQ(killed.files(), whole.files());

  std::istringstream lines(read_text(killed / "s.jsonl"));
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto row = nlohmann::json::parse(line);
    EXPECT_EQ(row["status"], "ok");
    EXPECT_EQ(row["images"], 20);
    EXPECT_GT(row["energy_nj"].get<double>(), 0.0);
    EXPECT_TRUE(row["version"].is_string());
  }
  EXPECT_EQ(count, expected.size() - 1);
}

TEST(SweepCommand, WorkersGiveTheRowsOfOneProcess) {
  const TempFolder alone, several;
  ASSERT_EQ(sramsim(sweep(kGrid + Arguments{"--threads", "1"}), alone.path()).exit_code, 0);
  const Arguments workers{"--threads", "3", "--workers",
                          "3"};  // one thread each: the device column is the same
  sramsim_killed(sweep(kGrid + workers), several.path(), several / "s.csv", 3);
  const CliResult r = sramsim(sweep(kGrid + workers), several.path());
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_EQ(rows_without_seconds(several / "s.csv"), rows_without_seconds(alone / "s.csv"));
  EXPECT_EQ(several.files(), alone.files());
}

TEST(SweepCommand, AFinishedFileIsNotComputedAgainAndAnotherIsRefused) {
  const TempFolder folder;
  const Arguments small = {"--limit", "5", "--adc-bits", "2,3", "--csv", "s.csv"};
  ASSERT_EQ(sramsim(sweep(small), folder.path()).exit_code, 0);
  const std::string before = read_text(folder / "s.csv");
  const CliResult again = sramsim(sweep(small), folder.path());
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(read_text(folder / "s.csv"), before);

  for (const Arguments& other : {Arguments{"--limit", "6"}, Arguments{"--adc-bits", "2"},
                                 Arguments{"--adc-cost", "survey"}, Arguments{"--array-columns", "64"}}) {
    const CliResult r = sramsim(sweep(small + other), folder.path());
    EXPECT_EQ(r.exit_code, 2) << other[0];
    EXPECT_NE(r.err.find("s.csv: line "), std::string::npos) << r.err;
    EXPECT_NE(r.err.find("--fresh"), std::string::npos) << r.err;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
    EXPECT_EQ(read_text(folder / "s.csv"), before);
  }
  const CliResult fresh = sramsim(sweep(small + Arguments{"--limit", "6", "--fresh"}), folder.path());
  EXPECT_EQ(fresh.exit_code, 0) << fresh.err;
  EXPECT_EQ(read_text(folder / "s.csv.old"), before);
  EXPECT_NE(read_text(folder / "s.csv"), before);
}

TEST(SweepCommand, ASecondProcessOnTheSameFileIsRefused) {
  const TempFolder folder;
  CliResult second;
  // While the first one runs and holds the file.
  sramsim_killed(sweep(kGrid + Arguments{"--limit", "2000"}), folder.path(), folder / "s.csv", 0, [&] {
    second = sramsim(sweep(kGrid + Arguments{"--limit", "2000"}), folder.path());
  });
  EXPECT_EQ(second.exit_code, 2) << second.err;
  EXPECT_NE(second.err.find("s.csv: another process is writing to it"), std::string::npos) << second.err;
}

TEST(SweepCommand, AFailedPointIsRecordedAndTheOthersGoOn) {
  const TempFolder folder;
  const CliResult r = sramsim(sweep({"--limit", "3", "--mapping", "whole-kernel", "--subarray", "64,8,32",
                                     "--csv", "s.csv", "--jsonl", "s.jsonl", "--quiet"}),
                              folder.path());
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_NE(r.err.find("1 of 3 points failed"), std::string::npos) << r.err;
  EXPECT_NE(r.err.find("subarray=8"), std::string::npos) << r.err;
  EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
  const auto rows = rows_without_seconds(folder / "s.csv");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_NE(rows[1].find(",ok,"), std::string::npos) << rows[1];
  EXPECT_NE(rows[2].find(",failed,"), std::string::npos) << rows[2];
  EXPECT_NE(rows[2].find("conv1"), std::string::npos) << rows[2];
  EXPECT_NE(rows[3].find(",ok,"), std::string::npos) << rows[3];
}

TEST(SweepCommand, GridFileFlagsAndDryRun) {
  const TempFolder folder;
  write_text(folder / "g.toml",
             "subarray = {from = 32, to = 128, times = 2}\nadc-bits = [3, 4]\n"
             "[[exclude]]\nsubarray = 64\nadc-bits = 3\n[layer.conv1]\nadc-bits = 6\n");
  CliResult r = sramsim(sweep({"--grid", "g.toml", "--limit", "4", "--dry-run"}), folder.path());
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_NE(r.out.find("5 points"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("measured on"), std::string::npos) << r.out;
  EXPECT_EQ(folder.files(), (std::vector<std::string>{"g.toml"}));

  r = sramsim(sweep({"--grid", "g.toml", "--limit", "4", "--adc-bits", "5", "--csv", "s.csv"}),
              folder.path());
  ASSERT_EQ(r.exit_code, 0) << r.err;
  const auto rows = rows_without_seconds(folder / "s.csv");
  ASSERT_EQ(rows.size(), 4u);  // the flag wins over the file's list
  EXPECT_NE(rows[1].find("conv1.adc-bits=6"), std::string::npos) << rows[1];
  EXPECT_NE(r.out.find("within 0.5 % of ideal"), std::string::npos) << r.out;

  write_text(folder / "bad.toml", "subarray = 64\nrows = 3\n");
  r = sramsim(sweep({"--grid", "bad.toml"}), folder.path());
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_NE(r.err.find("--grid bad.toml: line 2: 'rows' is no setting"), std::string::npos) << r.err;
}

TEST(SweepCommand, SeveralCheckpoints) {
  const TempFolder folder;
  ASSERT_EQ(sramsim({"convert", "--checkpoint", kTorchCheckpoint.string(), "--output", "three.safetensors",
                     "--wbits", "3"},
                    folder.path())
                .exit_code,
            0);
  const CliResult r = sramsim(sweep({"--checkpoint", kTorchCheckpoint.string() + ",three.safetensors",
                                     "--limit", "4", "--csv", "s.csv"}),
                              folder.path());
  ASSERT_EQ(r.exit_code, 0) << r.err;
  const auto rows = rows_without_seconds(folder / "s.csv");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[2].rfind("three.safetensors,3,4,", 0), 0u) << rows[2];
}

}  // namespace
}  // namespace sramsim::test
