// sramsim sweep ends by drawing.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/cli/cli.h"

namespace sramsim::test {
namespace {

CliResult sweep(const TempFolder& folder, const std::vector<std::string>& more) {
  std::vector<std::string> all = {
      "sweep", "--checkpoint", kTorchCheckpoint.string(), "--dataset-dir", kMnist.string(), "--limit", "1",
      "--csv", "s.csv"};
  all.insert(all.end(), more.begin(), more.end());
  ::setenv("SRAMSIM_SCRIPTS", folder.path().c_str(), 1);
  CliResult r = sramsim(all, folder.path());
  ::setenv("SRAMSIM_SCRIPTS", "", 1);
  return r;
}

TEST(SweepFigures, AreDrawnOfSeveralPoints) {
  const TempFolder folder;
  write_text(folder / "figures.sh", "echo \"$@\" >drawn\ntest -s \"$1\"\n");
  CliResult r = sweep(folder, {"--adc-bits", "3,4"});
  EXPECT_EQ(r.exit_code, 0) << r.err;
  EXPECT_NE(r.out.find("\nfigures in s_figures/report.html\n"), std::string::npos) << r.out;
  const std::string sums = " --histograms=s_figures/partial_sums.csv --histograms-of=adc_bits ";
  const std::string drawn = read_text(folder / "drawn");
  EXPECT_EQ(drawn.find((folder / "s.csv").string() + " --out=s_figures --quiet" + sums), 0u) << drawn;
  EXPECT_NE(drawn.find(", first 1 image\n"), std::string::npos) << drawn;
  const std::string counted = read_text(folder / "s_figures/partial_sums.csv");
  EXPECT_EQ(counted.find("layer,partial_sum,count,code,step,full_scale\nconv1,0,"), 0u)
      << counted.substr(0, 80);
  fs::remove(folder / "drawn");

  r = sweep(folder, {"--adc-bits", "3,4", "--figures", "pictures", "--histogram-images", "0", "--quiet"});
  EXPECT_EQ(r.out + r.err, "");
  EXPECT_EQ(read_text(folder / "drawn"), (folder / "s.csv").string() + " --out=pictures --quiet\n");
  fs::remove(folder / "drawn");

  EXPECT_EQ(sweep(folder, {"--adc-bits", "3", "--fresh"}).exit_code, 0);
  EXPECT_EQ(sweep(folder, {"--adc-bits", "3,4", "--no-figures"}).exit_code, 0);
  EXPECT_FALSE(fs::exists(folder / "drawn"));
}

TEST(SweepFigures, WhatFailsThereLeavesTheSweepASuccess) {
  const TempFolder folder;
  write_text(folder / "figures.sh", "echo 'Python is on holiday' >&2\nexit 1\n");
  const CliResult r = sweep(folder, {"--adc-bits", "3,4"});
  EXPECT_EQ(r.exit_code, 0);
  EXPECT_EQ(r.err, "");
  EXPECT_NE(r.out.find("\nno figures: Python is on holiday\n"), std::string::npos) << r.out;
}

}  // namespace
}  // namespace sramsim::test
