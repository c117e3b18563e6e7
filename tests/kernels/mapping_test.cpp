// Mappings: exact groups of small layers, and every weight in exactly one place for all of them.
#include "host/mapping/mapping.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/core/error.h"
#include "tests/cases.h"

namespace sramsim {
namespace {

using Groups = std::vector<std::vector<Segment>>;

Groups groups_of(const std::string& mapping, const ConvShape& shape, int subarray) {
  const RowPlan plan = make_row_plan(mapping, shape, subarray);
  EXPECT_EQ(plan.subarray_rows, subarray);
  Groups groups;
  for (int g = 0; g < plan.groups(); ++g)
    groups.emplace_back(plan.segments.begin() + plan.group_begin[g],
                        plan.segments.begin() + plan.group_begin[g + 1]);
  return groups;
}

void expect_error(const std::string& mapping, const ConvShape& shape, int subarray,
                  const std::string& message) {
  try {
    make_row_plan(mapping, shape, subarray);
    ADD_FAILURE() << "no error for " << mapping << " R=" << subarray;
  } catch (const InputError& error) {
    EXPECT_EQ(error.what(), message);
  }
}

ConvShape layer(int c, int kh, int kw) {
  return {c, 8, 8, 4, kh, kw, 1, 0};
}

TEST(Mapping, ShapeWiseCutsTheChannelsOfEachPosition) {
  EXPECT_EQ(groups_of("shape-wise", layer(5, 1, 2), 2),
            (Groups{{{0, 0, 2}}, {{0, 2, 4}}, {{0, 4, 5}}, {{1, 0, 2}}, {{1, 2, 4}}, {{1, 4, 5}}}));
  EXPECT_EQ(groups_of("shape-wise", layer(5, 1, 2), 100), (Groups{{{0, 0, 5}}, {{1, 0, 5}}}));
}

// Rows (c, kw) of 3 channels x 1x2: 00 01 10 11 20 21; R = 4 cuts after channel 1.
TEST(Mapping, UnrolledCutsInChannelMajorOrder) {
  EXPECT_EQ(groups_of("unrolled", layer(3, 1, 2), 4),
            (Groups{{{0, 0, 2}, {1, 0, 2}}, {{0, 2, 3}, {1, 2, 3}}}));
  EXPECT_EQ(groups_of("unrolled", layer(3, 1, 2), 3),
            (Groups{{{0, 0, 2}, {1, 0, 1}}, {{0, 2, 3}, {1, 1, 3}}}));
  EXPECT_EQ(groups_of("unrolled", layer(3, 1, 2), 5), (Groups{{{0, 0, 3}, {1, 0, 2}}, {{1, 2, 3}}}));
  EXPECT_EQ(groups_of("unrolled", layer(2, 1, 2), 1),
            (Groups{{{0, 0, 1}}, {{1, 0, 1}}, {{0, 1, 2}}, {{1, 1, 2}}}));
}

TEST(Mapping, WholeKernelKeepsChannelsTogether) {
  EXPECT_EQ(groups_of("whole-kernel", layer(5, 1, 2), 5),
            (Groups{{{0, 0, 2}, {1, 0, 2}}, {{0, 2, 4}, {1, 2, 4}}, {{0, 4, 5}, {1, 4, 5}}}));
  EXPECT_EQ(groups_of("whole-kernel", layer(2, 1, 2), 2),
            (Groups{{{0, 0, 1}, {1, 0, 1}}, {{0, 1, 2}, {1, 1, 2}}}));
}

TEST(Mapping, LinearLayerIsTheSameUnderEveryMapping) {
  for (const MappingModel& m : mapping_models())
    EXPECT_EQ(groups_of(m.name, layer(10, 1, 1), 4), (Groups{{{0, 0, 4}}, {{0, 4, 8}}, {{0, 8, 10}}}))
        << m.name;
}

TEST(Mapping, EveryWeightIsInExactlyOnePlace) {
  cases::Random random(7);
  for (int trial = 0; trial < 400; ++trial) {
    const ConvShape shape = layer(random.range(1, 140), random.range(1, 4), random.range(1, 4));
    const int subarray = random.range(shape.positions(), 300);
    for (const MappingModel& m : mapping_models()) {
      SCOPED_TRACE(std::string(m.name) + " C=" + std::to_string(shape.c) + " KH=" + std::to_string(shape.kh) +
                   " KW=" + std::to_string(shape.kw) + " R=" + std::to_string(subarray));
      const RowPlan plan = make_row_plan(m.name, shape, subarray);
      std::vector<int> held(shape.rows());
      for (const Segment& s : plan.segments)
        for (int c = s.channel_begin; c < s.channel_end; ++c) ++held.at(s.position * shape.c + c);
      EXPECT_TRUE(std::all_of(held.begin(), held.end(), [](int n) { return n == 1; }));
      EXPECT_LE(plan.largest_group(), subarray);
      EXPECT_EQ(plan.group_begin.back(), static_cast<int>(plan.segments.size()));
      // Merged: one segment per position and contiguous channel run.
      for (int g = 0; g < plan.groups(); ++g)
        for (int k = plan.group_begin[g] + 1; k < plan.group_begin[g + 1]; ++k)
          EXPECT_LT(plan.segments[k - 1].position, plan.segments[k].position);
    }
  }
}

TEST(Mapping, GroupCountsFollowTheDefinition) {
  const auto count = [](const std::string& mapping, int c, int k, int r) {
    return make_row_plan(mapping, layer(c, k, k), r).groups();
  };
  for (int c : {1, 64, 65, 128})
    for (int r : {9, 16, 63, 64, 65, 128, 500}) {
      const auto ceil_div = [](int a, int b) { return (a + b - 1) / b; };
      EXPECT_EQ(count("shape-wise", c, 3, r), 9 * ceil_div(c, r));
      EXPECT_EQ(count("unrolled", c, 3, r), ceil_div(9 * c, r));
      EXPECT_EQ(count("whole-kernel", c, 3, r), ceil_div(c, r / 9));
    }
}

TEST(Mapping, Errors) {
  expect_error("shape-wise", layer(4, 3, 3), 0, "--subarray 0: must be 1..65536 rows");
  expect_error("unrolled", layer(4, 3, 3), 65537, "--subarray 65537: must be 1..65536 rows");
  expect_error("diagonal", layer(4, 3, 3), 8,
               "--mapping 'diagonal' is unknown, choose one of: shape-wise, unrolled, whole-kernel");
  expect_error("whole-kernel", layer(4, 3, 3), 8,
               "--subarray 8: too few rows for the whole-kernel mapping of a 3x3 kernel (9 rows)");
  EXPECT_EQ(make_row_plan("unrolled", layer(4, 3, 3), 65536).groups(), 1);
}

}  // namespace
}  // namespace sramsim
