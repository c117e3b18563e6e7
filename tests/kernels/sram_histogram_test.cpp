// The partial-sum histogram against a direct count from the definition.
#include <gtest/gtest.h>
#include <omp.h>

#include <numeric>

#include "kernels/core/error.h"
#include "tests/cases.h"

namespace sramsim {
namespace {

/// Counts every P(g,i,j) by brute force.
std::vector<uint64_t> count_directly(const SramConvSpec& spec, const cases::Operands& operands, int n) {
  const ConvShape& s = spec.shape;
  std::vector<uint64_t> counts(spec.p_max() + 1);
  const auto activation = [&](int image, int h, int w, int c) -> int {
    if (h < 0 || h >= s.h || w < 0 || w >= s.w) return 0;
    return operands.q[((int64_t{image} * s.h + h) * s.w + w) * s.c + c];
  };
  for (int64_t at = 0; at < n * s.outputs(); ++at) {
    const int o = static_cast<int>(at % s.o), ow = static_cast<int>(at / s.o % s.out_w());
    const int oh = static_cast<int>(at / s.o / s.out_w() % s.out_h()),
              image = static_cast<int>(at / s.outputs());
    for (int g = 0; g < spec.rows.groups(); ++g)
      for (int i = 0; i < spec.digits(); ++i)
        for (int j = 0; j < spec.planes(); ++j) {
          uint32_t p = 0;
          for (int k = spec.rows.group_begin[g]; k < spec.rows.group_begin[g + 1]; ++k)
            for (int c = spec.rows.segments[k].channel_begin; c < spec.rows.segments[k].channel_end; ++c) {
              const int position = spec.rows.segments[k].position;
              const int q = activation(image, oh * s.stride - s.padding + position / s.kw,
                                       ow * s.stride - s.padding + position % s.kw, c);
              p += act_digit(q, spec.dac_bits, i) *
                   plane_bit(spec.encoding, spec.weight_bits,
                             operands.codes[(int64_t{o} * s.positions() + position) * s.c + c], j);
            }
          ++counts[p];
        }
  }
  return counts;
}

TEST(PartialSumHistogram, EqualsADirectCount) {
  for (uint64_t seed = 5000; seed < 5080; ++seed) {
    cases::SramCase c = cases::random_case(seed);
    c.shape.c = std::min(c.shape.c, 65);
    c.shape.o = std::min(c.shape.o, 33);
    const SramConvSpec spec = cases::make_spec(c);
    const cases::Operands operands = cases::make_operands(c);
    std::vector<uint64_t> counts(spec.p_max() + 1);
    partial_sum_histogram(spec, operands.codes.data(), operands.q.data(), c.n, counts);
    ASSERT_EQ(counts, count_directly(spec, operands, c.n)) << cases::text_of(c);
    ASSERT_EQ(std::accumulate(counts.begin(), counts.end(), uint64_t{0}),
              static_cast<uint64_t>(spec.conversions()) * c.n);
  }
}

TEST(PartialSumHistogram, AddsToTheCountsForAnyNumberOfThreads) {
  cases::SramCase c = cases::seed_conv2(64, 5, 0.4, 3);
  c.shape.h = c.shape.w = 8;
  const SramConvSpec spec = cases::make_spec(c);
  const cases::Operands operands = cases::make_operands(c);
  std::vector<uint64_t> once(spec.p_max() + 1), thrice(spec.p_max() + 1);
  partial_sum_histogram(spec, operands.codes.data(), operands.q.data(), c.n, once);
  const int before = omp_get_max_threads();
  for (int threads : {1, 2, 5}) {
    omp_set_num_threads(threads);
    partial_sum_histogram(spec, operands.codes.data(), operands.q.data(), c.n, thrice);
  }
  omp_set_num_threads(before);
  for (uint64_t& count : once) count *= 3;
  EXPECT_EQ(thrice, once);
}

TEST(PartialSumHistogram, RefusesAShortBuffer) {
  const cases::SramCase c = cases::seed_conv2(64, 5);
  const SramConvSpec spec = cases::make_spec(c);
  const cases::Operands operands = cases::make_operands(c);
  std::vector<uint64_t> counts(spec.p_max());
  try {
    partial_sum_histogram(spec, operands.codes.data(), operands.q.data(), c.n, counts);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "partial-sum histogram: 64 counters for partial sums 0..64");
  }
}

}  // namespace
}  // namespace sramsim
