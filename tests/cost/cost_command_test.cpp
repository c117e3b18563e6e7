// sramsim cost, its options and what it prints.
#include "host/cli/commands.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tests/formats/scratch.h"

namespace sramsim {
namespace {

/// What the command prints.
std::string run(std::vector<std::string> arguments) {
  CLI::App app("test", "sramsim");
  add_cost_command(app);
  arguments.insert(arguments.begin(), "cost");
  std::reverse(arguments.begin(), arguments.end());
  testing::internal::CaptureStdout();
  try {
    app.parse(arguments);
  } catch (...) {
    testing::internal::GetCapturedStdout();
    throw;
  }
  return testing::internal::GetCapturedStdout();
}

TEST(CostCommand, PrintsMappingAndCostOfTheSeedNetwork) {
  const std::string text = run({});
  for (const char* part : {"conv1", "conv2", "fc1 (digital)", "10,616,832", "energy nJ", "latency us",
                           "area mm2", "murmann", "128 per subarray, 8 per ADC"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(CostCommand, WritesJson) {
  const Scratch scratch;
  const auto path = scratch / "cost.json";
  EXPECT_EQ(
      run({"--subarray", "64", "--adc-bits", "4", "--wbits", "8", "--map-linear", "--adc-cost", "survey",
           "--array-columns", "256", "--columns-per-adc", "16", "--quiet", "--json", path.string()}),
      "");
  const auto j = nlohmann::json::parse(read_bytes(path));
  EXPECT_EQ(j["wbits"], 8);
  EXPECT_EQ(j["adc_model"], "survey");
  EXPECT_EQ(j["array_columns"], 256);
  EXPECT_EQ(j["layers"][2]["computed"], "arrays");
  EXPECT_EQ(j["layers"][1]["columns_used"], 128 * 8);
  EXPECT_EQ(j["layers"][1]["column_tiles"], 4);
}

TEST(CostCommand, TakesACheckpoint) {
  const std::string checkpoint = SRAMSIM_SOURCE_DIR "/tests/golden/original/random_w4a4.pth.tar";
  EXPECT_EQ(run({"--checkpoint", checkpoint}), run({}));
}

TEST(CostCommand, PrintedTableIsATable) {
  const Scratch scratch;
  const auto path = scratch.write("table.toml", run({"--print-table"}));
  EXPECT_EQ(run({"--cost-table", path.string()}), run({}));
}

TEST(CostCommand, SaysWhatIsWrong) {
  const Scratch scratch;
  const auto bad = scratch.write("bad.toml", "[array]\ncell_area = { value = 1, source = \"x\" }\n").string();
  EXPECT_ERROR_SAYS(run({"--cost-table", bad}),
                    "--cost-table " + bad + ": line 2: array.cell_area: has no unit");
  EXPECT_ERROR_SAYS(run({"--cost-table", (scratch / "none.toml").string()}), "--cost-table ");
  EXPECT_ERROR_SAYS(run({"--adc-cost", "flash"}), "--adc-cost");
  EXPECT_ERROR_SAYS(run({"--wbits", "9"}), "weight bits: 9");
  EXPECT_ERROR_SAYS(run({"--json", "no/such/folder/x.json"}), "--json");
  EXPECT_ERROR_SAYS(run({"--checkpoint", (scratch / "none").string()}), "--checkpoint");
  EXPECT_THROW(run({"--array-columns", "0"}), CLI::ValidationError);
  EXPECT_THROW(run({"--bit-density", "2"}), CLI::ValidationError);
}

}  // namespace
}  // namespace sramsim
