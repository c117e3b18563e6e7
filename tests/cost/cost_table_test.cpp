// Cost tables: what is built in, what a file may change, and what it is told when it is wrong.
#include <gtest/gtest.h>

#include "host/cost/adc_cost.h"
#include "host/cost/cost_table.h"
#include "tests/formats/scratch.h"

namespace sramsim {
namespace {

constexpr const char* kFile = "my.toml";

CostTable parse(const std::string& text) {
  return parse_cost_table(text, kFile);
}

TEST(CostTable, EveryBuiltInEntryHasUnitAndSource) {
  const CostTable& table = default_cost_table();
  EXPECT_FALSE(table.name.empty());
  for (const CostEntry& entry : cost_entries()) {
    const Quantity& q = table.*entry.member;
    const Unit* unit = find_unit(q.unit);
    ASSERT_NE(unit, nullptr) << entry.name;
    EXPECT_DOUBLE_EQ(q.si, q.value * unit->si) << entry.name;
    EXPECT_GT(q.source.size(), 9u) << entry.name;
    EXPECT_STRNE(entry.meaning, "") << entry.name;
  }
}

TEST(CostTable, TheBuiltInTextReadsBackAsItself) {
  const CostTable again = parse(std::string(default_cost_table_text()));
  EXPECT_EQ(again.name, default_cost_table().name);
  for (const CostEntry& entry : cost_entries())
    EXPECT_EQ((again.*entry.member).si, (default_cost_table().*entry.member).si) << entry.name;
}

TEST(CostTable, AFileReplacesOnlyWhatItNames) {
  const CostTable table = parse(R"(
adc_model = "survey"
[adc.murmann]
k1 = { value = 0.2, unit = "pJ", source = "ours, measured" }
[process]
supply = { value = 800, unit = "mV", source = "ours" }
)");
  EXPECT_EQ(table.adc_model, "survey");
  EXPECT_NE(table.name.find(kFile), std::string::npos);
  EXPECT_EQ(table.murmann_linear.source, "ours, measured");
  EXPECT_DOUBLE_EQ(table.energy(table.murmann_linear), 0.2e-12);
  EXPECT_DOUBLE_EQ(table.energy(table.murmann_thermal), 0.001e-15 * 0.8 * 0.8);  // C * V^2
  EXPECT_EQ(table.cell_area.si, default_cost_table().cell_area.si);
}

TEST(CostTable, IsReadFromAFile) {
  const Scratch scratch;
  const auto path =
      scratch.write("t.toml", "[array]\ncell_area = { value = 1, unit = \"um2\", source = \"x\" }");
  EXPECT_DOUBLE_EQ(load_cost_table(path).cell_area.si, 1e-12);
  EXPECT_ERROR_SAYS(load_cost_table(scratch / "none.toml"), "none.toml");
}

TEST(CostTable, SaysWhatIsWrongAndWhere) {
  struct Case {
    const char *text, *says;
  };
  for (const Case& c : {
           Case{"[array]\ncell_area = { value = 1, source = \"x\" }",
                "my.toml: line 2: array.cell_area: has no unit"},
           {"[array]\ncell_area = { unit = \"um2\", source = \"x\" }", "array.cell_area: has no value"},
           {"[array]\ncell_area = { value = 1, unit = \"um2\" }", "array.cell_area: has no source"},
           {"[array]\ncell_area = { value = 1, unit = \"um2\", source = \"\" }", "must be a text in quotes"},
           {"[array]\ncell_area = { value = -1, unit = \"um2\", source = \"x\" }",
            "array.cell_area: -1 is negative"},
           {"[array]\ncell_area = { value = nan, unit = \"um2\", source = \"x\" }", "is not finite"},
           {"[array]\ncell_area = { value = \"1\", unit = \"um2\", source = \"x\" }", "is not a number"},
           {"[array]\ncell_area = { value = true, unit = \"um2\", source = \"x\" }", "is not a number"},
           {"[array]\ncell_area = { value = 1, unit = \"acre\", source = \"x\" }",
            "unknown unit 'acre', give nm2, um2, mm2"},
           {"[array]\ncell_area = { value = 1, unit = \"ns\", source = \"x\" }",
            "'ns' is a time, give an area"},
           {"[array]\nbitline = { value = 1, unit = \"ns\", source = \"x\" }",
            "'ns' is a time, give an energy (aJ, fJ, pJ, nJ, uJ, J, or aF, fF, pF)"},
           {"[array]\ncell_area = 5", "must be { value = NUMBER"},
           {"[array]\ncell_area = { value = 1, unit = \"um2\", source = \"x\", note = 1 }",
            "'note' is none of"},
           {"[array]\ncell_aera = { value = 1, unit = \"um2\", source = \"x\" }",
            "array.cell_aera: there is no such entry"},
           {"[adc.best]\nk1 = 1", "adc.best: there is no such entry"},
           {"nonsense = 1", "nonsense: there is no such entry"},
           {"adc_model = \"walden\"", "adc_model: unknown ADC cost model 'walden', choose one of murmann"},
           {"name = 3", "name: must be a text in quotes"},
           {"[array", "my.toml: line 1: "},
           {"[process]\nsupply = { value = 0, unit = \"V\", source = \"x\" }",
            "process.supply: must be greater than 0"},
           {"[digital]\nclock = { value = 0, unit = \"Hz\", source = \"x\" }",
            "digital.clock: must be greater than 0"},
           {"[adc]\ntime_per_bit = { value = 0, unit = \"s\", source = \"x\" }\n"
            "time_per_bit_row = { value = 0, unit = \"s\", source = \"x\" }",
            "a conversion must take some time"},
       })
    EXPECT_ERROR_SAYS(parse(c.text), c.says);
}

TEST(CostTable, SurvivesDamage) {
  const std::string good = "[array]\ncell_area = { value = 1, unit = \"um2\", source = \"x\" }\n";
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string bad = good;
    for (unsigned changes = 1 + random() % 4; changes > 0; --changes)
      bad[random() % bad.size()] = static_cast<char>(random());
    ASSERT_NO_THROW(error_of([&] { parse(bad); })) << round;
  }
}

// The figures below were computed apart from the program, from the published formulas and coefficients.
struct AdcCase {
  const char* model;
  int bits, rows;
  double femtojoule, square_micron;
};

TEST(AdcCost, AgreesWithThePublishedFormulas) {
  const CostTable& table = default_cost_table();
  for (const AdcCase& c : {AdcCase{"murmann", 3, 64, 243.05184, 99.635538},
                           {"murmann", 5, 128, 405.82944, 336.26360},
                           {"murmann", 8, 128, 701.08416, 2084.8665},
                           {"murmann", 14, 256, 218566.71936, 80144.742},
                           {"envelope", 3, 64, 6.5824815, 99.635538},
                           {"envelope", 5, 128, 22.425071, 336.26360},
                           {"envelope", 14, 256, 93670.5929, 80144.742},
                           {"survey", 3, 64, 728.39236, 3286.2649},
                           {"survey", 5, 128, 728.39236, 2821.5132},
                           {"survey", 8, 128, 1333.24768, 3105.4761},
                           {"survey", 14, 256, 107562.757, 9623.7362}}) {
    const AdcCost cost = adc_cost(find_adc_cost_model(c.model), table, c.bits, c.rows);
    SCOPED_TRACE(std::string(c.model) + " " + std::to_string(c.bits));
    EXPECT_NEAR(cost.energy * 1e15 / c.femtojoule, 1.0, 1e-6);
    EXPECT_NEAR(cost.area * 1e12 / c.square_micron, 1.0, 1e-6);
    EXPECT_NEAR(cost.time * 1e9, c.bits * (0.640 + 0.00653 * c.rows), 1e-9);
  }
}

TEST(AdcCost, NeverFallsWithMoreBits) {
  for (const AdcCostModel& model : adc_cost_models())
    for (int bits = 2; bits <= 16; ++bits) {
      const AdcCost less = adc_cost(model, default_cost_table(), bits - 1, 128);
      const AdcCost more = adc_cost(model, default_cost_table(), bits, 128);
      EXPECT_GE(more.energy, less.energy) << model.name << " " << bits;
      EXPECT_GT(more.time, less.time) << model.name << " " << bits;
    }
}

TEST(AdcCost, PublishedModelsDifferByAnOrderOfMagnitude) {
  const auto energy = [](const char* model) {
    return adc_cost(find_adc_cost_model(model), default_cost_table(), 5, 128).energy;
  };
  EXPECT_GT(energy("survey"), 10 * energy("envelope"));
  EXPECT_GT(energy("murmann"), 10 * energy("envelope"));
}

}  // namespace
}  // namespace sramsim
