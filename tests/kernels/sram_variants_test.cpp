// Every variant of the SRAM convolution equals the scalar reference, bit for bit, on the shared cases; the
// reference itself is tried against an independent integer convolution.
#include <gtest/gtest.h>
#include <omp.h>

#include <map>
#include <set>
#include <thread>
#include <typeinfo>

#include "kernels/core/cpu_features.h"
#include "kernels/sram_conv/matrix_layer.h"
#include "tests/kernels/sram_run.h"

namespace sramsim {
namespace {

using cases::SramCase;

const std::vector<std::string>& fast_variants() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const SramConvVariant& v : sram_conv_variants())
      if (std::string(v.name) != "reference") list.push_back(v.name);
    return list;
  }();
  return names;
}

std::string refusal(const std::string& name, const SramConvSpec& spec) {
  for (const SramConvVariant& v : sram_conv_variants())
    if (name == v.name) return v.refuses(spec);
  return "no such variant";
}

/// Compares all variants that accept with the reference; counts them in `ran`.
void expect_equal(const SramCase& c, std::map<std::string, int>& ran) {
  const SramConvSpec spec = cases::make_spec(c);
  const cases::Operands operands = cases::make_operands(c);
  const auto expected = run_sums(spec, operands, c.n, "reference");
  for (const std::string& name : fast_variants()) {
    if (!refusal(name, spec).empty()) continue;
    ++ran[name];
    const std::string difference = first_difference(spec, expected, run_sums(spec, operands, c.n, name));
    ASSERT_EQ(difference, "") << name << " on " << cases::text_of(c);
  }
}

/// Variants whose every refusal is about the converter; the others may also lack an instruction set.
void expect_all_ran(const std::map<std::string, int>& ran) {
  for (const std::string& name : fast_variants()) {
    if (((name == "amx" || name == "by-density") && !cpu_has_amx()) ||
        (name == "avx512" && !cpu_has_avx512()) || (name == "avx2" && !cpu_has_avx2()))
      continue;
    const auto it = ran.find(name);
    EXPECT_GT(it == ran.end() ? 0 : it->second, 0) << name << " accepted no case";
  }
}

TEST(SramVariants, EqualTheReferenceAtEveryBoundary) {
  std::map<std::string, int> ran;
  for (const SramCase& c : cases::boundary_cases()) {
    expect_equal(c, ran);
    if (HasFatalFailure()) return;
  }
  expect_all_ran(ran);
}

TEST(SramVariants, EqualTheReferenceOnRandomCases) {
  std::map<std::string, int> ran;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    expect_equal(cases::random_case(seed), ran);
    if (HasFatalFailure()) return;
  }
  expect_all_ran(ran);
}

/// A table that no converter model makes: falling, with a code for P = 0.
TEST(SramVariants, EqualTheReferenceOnArbitraryTables) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SramCase c = cases::random_case(seed);
    c.shape.c = std::min(c.shape.c, 65);
    c.shape.o = std::min(c.shape.o, 33);
    SramConvSpec spec = cases::make_spec(c);
    cases::Random random(seed);
    for (AdcTable& table : spec.adcs) {
      table.step = 0.75;
      for (uint32_t& code : table.code) code = static_cast<uint32_t>(random.range(0, 20));
    }
    const cases::Operands operands = cases::make_operands(c);
    const auto expected = run_sums(spec, operands, c.n, "reference");
    for (const std::string& name : fast_variants())
      if (refusal(name, spec).empty()) {
        ASSERT_EQ(first_difference(spec, expected, run_sums(spec, operands, c.n, name)), "")
            << name << ", random tables on " << cases::text_of(c);
      }
  }
}

/// sum of q*c over the window, in the obvious loops.
std::vector<double> integer_convolution(const ConvShape& s, const cases::Operands& operands, int n) {
  std::vector<double> out;
  for (int image = 0; image < n; ++image)
    for (int oh = 0; oh < s.out_h(); ++oh)
      for (int ow = 0; ow < s.out_w(); ++ow)
        for (int o = 0; o < s.o; ++o) {
          int64_t sum = 0;
          for (int kh = 0; kh < s.kh; ++kh)
            for (int kw = 0; kw < s.kw; ++kw)
              for (int c = 0; c < s.c; ++c) {
                const int h = oh * s.stride - s.padding + kh, w = ow * s.stride - s.padding + kw;
                if (h < 0 || h >= s.h || w < 0 || w >= s.w) continue;
                sum += operands.q[((int64_t{image} * s.h + h) * s.w + w) * s.c + c] *
                       operands.codes[((int64_t{o} * s.kh + kh) * s.kw + kw) * s.c + c];
              }
          out.push_back(static_cast<double>(sum));
        }
  return out;
}

TEST(SramVariants, IdealConvertersGiveTheIntegerConvolution) {
  for (uint64_t seed = 1000; seed < 1100; ++seed) {
    SramCase c = cases::random_case(seed);
    c.adcs = {{"uniform", 0, {}}};
    const SramConvSpec spec = cases::make_spec(c);
    const cases::Operands operands = cases::make_operands(c);
    const std::vector<std::vector<double>> expected{integer_convolution(c.shape, operands, c.n)};
    for (const SramConvVariant& v : sram_conv_variants())
      if (v.refuses(spec).empty()) {
        ASSERT_EQ(first_difference(spec, expected, run_sums(spec, operands, c.n, v.name)), "")
            << v.name << " on " << cases::text_of(c);
      }
  }
}

/// Cases big enough for several chunks, tiles and threads.
std::vector<SramCase> large_cases() {
  SramCase conv = cases::seed_conv2(64, 5, 0.3, 5);
  conv.shape.h = conv.shape.w = 7;
  conv.adcs = {{"uniform", 5, {}}, {"saturating", 3, {}}, {"uniform", 0, {}}};
  SramCase strided = cases::random_case(3);
  strided.shape = {65, 11, 9, 33, 3, 2, 2, 1};
  strided.n = 7;
  return {conv, strided};
}

TEST(SramVariants, ResultsDoNotDependOnTheBatch) {
  for (const SramCase& c : large_cases()) {
    const SramConvSpec spec = cases::make_spec(c);
    const cases::Operands operands = cases::make_operands(c);
    for (const SramConvVariant& v : sram_conv_variants()) {
      if (!v.refuses(spec).empty()) continue;
      const auto plan = plan_sram_conv(spec, operands.codes.data(), v.name);
      const auto whole = run_sums(*plan, spec, operands.q.data(), c.n);
      std::vector<std::vector<double>> parts(spec.adcs.size());
      for (int first = 0, size = 1; first < c.n; first += size, size = std::min(size + 1, c.n - first)) {
        const auto part = run_sums(*plan, spec, operands.q.data() + first * c.shape.inputs(), size);
        for (size_t t = 0; t < part.size(); ++t)
          parts[t].insert(parts[t].end(), part[t].begin(), part[t].end());
      }
      EXPECT_EQ(first_difference(spec, whole, parts), "") << v.name << " on " << cases::text_of(c);
    }
  }
}

/// Kernels larger than what shares its lists, strides that split the kernel positions, images smaller than a
/// strip, mappings that leave some kernel positions whole.
TEST(SramVariants, EqualTheReferenceWhereWindowsOverlap) {
  const std::vector<ConvShape> shapes{
      {16, 14, 25, 9, 6, 11, 1, 0},  // [C,H,W,O,KH,KW,stride,padding]
      {20, 13, 15, 17, 5, 5, 2, 2}, {33, 11, 12, 8, 7, 4, 3, 1}, {24, 5, 4, 33, 3, 3, 1, 1},
      {48, 9, 9, 16, 3, 3, 1, 1},   {70, 3, 40, 16, 1, 3, 1, 0}, {17, 40, 3, 16, 4, 1, 1, 0},
      {40, 1, 1, 20, 1, 1, 1, 0},
  };
  std::map<std::string, int> ran;
  for (const ConvShape& shape : shapes)
    for (const char* mapping : {"shape-wise", "unrolled"})
      for (const double density : {0.5, 0.05})
        for (const int dac_bits : {1, 2}) {
          SramCase c;
          c.shape = shape;
          c.n = shape.h == 1 ? 50 : 3;
          c.subarray = 32;
          c.mapping = mapping;
          c.bit_density = density;
          c.dac_bits = dac_bits;
          c.adcs = {{"uniform", 3, {}}};
          expect_equal(c, ran);
          if (HasFatalFailure()) return;
        }
}

/// Images of whole blocks of 16 windows, whose strips begin and end within output rows and go over several
/// images.
TEST(SramVariants, EqualTheReferenceWhereWindowsShareRows) {
  const std::vector<ConvShape> shapes{
      {64, 6, 6, 17, 3, 3, 1, 0},    // [C,H,W,O,KH,KW,stride,padding], 4x4 outputs
      {130, 4, 4, 16, 3, 3, 1, 1},   // 4x4, groups of two slices and of one
      {96, 9, 26, 8, 2, 3, 1, 0},    // 8x24
      {40, 12, 12, 16, 5, 5, 1, 2},  // 12x12
      {24, 20, 7, 33, 5, 4, 1, 0},   // 16x4
      {48, 2, 8, 16, 1, 1, 1, 0},    // 2x8
      {33, 1, 18, 5, 1, 3, 1, 0},    // 1x16
  };
  const int before = omp_get_max_threads();
  std::map<std::string, int> ran;
  for (const ConvShape& shape : shapes)
    for (const int subarray : {32, 128})
      for (const Encoding encoding : {Encoding::kTwosComplement, Encoding::kOffset})
        for (const int act_bits : {4, 6}) {
          SramCase c;
          c.shape = shape;
          c.n = std::max(2, 420 / (shape.out_h() * shape.out_w()));
          c.act_bits = act_bits;
          c.subarray = subarray;
          c.encoding = encoding;
          c.adcs.assign(subarray == 32 ? 3 : 1, {"uniform", 4, {}});
          c.adcs.back().bits = 3;
          const SramConvSpec spec = cases::make_spec(c);
          if (matrix_unit::PackedLayer::refuses(spec).empty()) {
            const matrix_unit::PackedLayer packed(spec, cases::make_operands(c).codes.data());
            EXPECT_TRUE(packed.view().shared) << cases::text_of(c);
          }
          omp_set_num_threads(act_bits == 4 ? 1 : before);  // the longest strips, and short ones
          expect_equal(c, ran);
          omp_set_num_threads(before);
          if (HasFatalFailure()) return;
        }
  if (cpu_has_amx()) {
    EXPECT_EQ(ran["amx"], 7 * 8);
  }
}

/// Groups whose lists are too long for the tiles of a whole strip: it is worked on in blocks, cut by rows or
/// by columns.
TEST(SramVariants, EqualTheReferenceWhereListsFillTheirBuffer) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);  // the longest strips
  std::map<std::string, int> ran;
  for (const ConvShape& shape :
       {ConvShape{200, 14, 14, 16, 3, 3, 1, 1}, ConvShape{255, 12, 12, 16, 5, 5, 1, 2},
        ConvShape{255, 8, 40, 16, 3, 7, 1, 0}, ConvShape{700, 4, 30, 5, 2, 2, 1, 0}})
    for (const int dac_bits : {1, 2}) {
      SramCase c;
      c.shape = shape;
      c.act_bits = 8;
      c.subarray = shape.c;
      c.dac_bits = dac_bits;
      c.adcs = {{"uniform", 4, {}}};
      expect_equal(c, ran);
    }
  omp_set_num_threads(before);
}

/// Dark images with a lit square: strips in which some output pixels see nothing.
TEST(SramVariants, EqualTheReferenceOnImagesWithBackground) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);  // the longest strips
  SramCase c;
  c.shape = {24, 12, 14, 19, 3, 3, 1, 1};
  c.n = 2;
  c.subarray = 16;
  for (const Encoding encoding : {Encoding::kTwosComplement, Encoding::kDifferential, Encoding::kOffset})
    for (const size_t adcs : {1, 2}) {
      c.encoding = encoding;
      c.adcs.assign(adcs, {"uniform", 3, {}});
      c.adcs.back().bits = 2;
      SramConvSpec spec = cases::make_spec(c);
      cases::Operands operands = cases::make_operands(c);
      for (int pixel = 0; pixel < c.n * 12 * 14; ++pixel) {
        const int h = pixel / 14 % 12, w = pixel % 14;
        if (h < 5 || h > 7 || w < 4 || w > 8) std::fill_n(operands.q.begin() + pixel * 24, 24, 0);
      }
      for (const bool code_of_zero : {false, true}) {
        if (code_of_zero) spec.adcs.back().code[0] = 1;
        const auto expected = run_sums(spec, operands, c.n, "reference");
        for (const std::string& name : fast_variants())
          if (refusal(name, spec).empty()) {
            EXPECT_EQ(first_difference(spec, expected, run_sums(spec, operands, c.n, name)), "")
                << name << ", code of 0 is " << code_of_zero << ", on " << cases::text_of(c);
          }
      }
    }
  omp_set_num_threads(before);
}

/// Columns in which every row stores a 1 reach the largest partial sums, around the fields and tables of the
/// kernels: 63 and 64, 127 and 128.
TEST(SramVariants, EqualTheReferenceOnFullColumns) {
  std::map<std::string, int> ran;
  for (const int rows : {15, 16, 31, 32, 63, 64, 65, 126, 127, 128, 129, 255, 256})
    for (const int weight_bits : {4, 5}) {
      SramCase c;
      c.shape = {2 * rows, 3, 6, 17, 2, 2, 1, 1};
      c.n = 2;
      c.subarray = rows;
      c.weight_bits = weight_bits;
      c.adcs = {{"uniform", 5, {}}};
      const SramConvSpec spec = cases::make_spec(c);
      cases::Operands operands = cases::make_operands(c);
      std::fill(operands.codes.begin(), operands.codes.begin() + c.shape.rows() * 5, int8_t{-1});
      std::fill(operands.q.begin(), operands.q.begin() + c.shape.inputs() / 2, uint8_t{15});
      const auto expected = run_sums(spec, operands, c.n, "reference");
      for (const std::string& name : fast_variants()) {
        if (!refusal(name, spec).empty()) continue;
        ++ran[name];
        ASSERT_EQ(first_difference(spec, expected, run_sums(spec, operands, c.n, name)), "")
            << name << " on " << cases::text_of(c);
      }
    }
  if (cpu_has_amx()) {
    EXPECT_EQ(ran["amx"], 20) << "all but those of more than 128 rows";
  }
}

/// Dark images among bright ones: the choice by density is made more than once in a batch, and parts of a
/// batch land where they belong.
TEST(SramVariants, EqualTheReferenceOnBatchesOfMixedDensity) {
  SramCase c;
  c.shape = {64, 3, 4, 128, 2, 2, 1, 1};
  c.n = 45;
  c.subarray = 64;
  c.adcs = {{"uniform", 4, {}}};
  const SramConvSpec spec = cases::make_spec(c);
  cases::Operands operands = cases::make_operands(c);
  const int64_t inputs = c.shape.inputs();
  for (const int dark : {0, 3, 8, 9, 10, 11, 12, 13, 14, 15, 17, 32, 33, 34, 35, 36, 37, 38, 39, 44})
    for (int64_t k = 0; k < inputs; ++k) operands.q[dark * inputs + k] = k % 101 == 0;
  const auto expected = run_sums(spec, operands, c.n, "reference");
  for (const std::string& name : fast_variants())
    if (refusal(name, spec).empty()) {
      EXPECT_EQ(first_difference(spec, expected, run_sums(spec, operands, c.n, name)), "") << name;
    }
}

/// Converters that are shifts up to some number of rows, on both sides of that number: half of the weights
/// set, and all of them, which makes every sum as large as rows can. Blocks of few rows, of many, and of all
/// numbers of rows. Planes of four and more bits, several kernel positions that share lists, ragged groups.
TEST(SramVariants, ConvertersThatAreShiftsForFewRows) {
  SramCase c;
  c.shape = {100, 6, 7, 20, 3, 3, 1, 0};
  for (const char* mode : {"uniform", "saturating"})
    for (int bits = 2; bits <= 7; ++bits)
      for (int subarray : {16, 24, 32, 64, 100}) {
        c.subarray = subarray;
        c.adcs = {{mode, bits, {}}};
        c.encoding = bits % 2 == 0 ? Encoding::kOffset : Encoding::kTwosComplement;
        c.act_bits = bits % 3 == 0 ? 6 : 4;
        c.weight_bits = bits == 5 ? 8 : 4;
        const SramConvSpec spec = cases::make_spec(c);
        for (double density : {0.02, 0.15, 0.3, 0.5, 0.99, 1.0}) {
          c.bit_density = density;
          ++c.seed;
          cases::Operands operands = cases::make_operands(c);
          if (density == 0.99)  // as many rows as a pixel has channels left
            for (size_t k = 0; k < operands.q.size(); ++k)
              if (k % 100 >= k / 100 * 37 % 101) operands.q[k] = 0;
          for (bool all_set : {false, true}) {
            if (all_set) std::fill(operands.codes.begin(), operands.codes.end(), int8_t{-1});
            const auto expected = run_sums(spec, operands, c.n, "reference");
            for (const std::string& name : fast_variants())
              if (refusal(name, spec).empty()) {
                ASSERT_EQ(first_difference(spec, expected, run_sums(spec, operands, c.n, name)), "")
                    << name << (all_set ? ", all weights set" : "") << " on " << cases::text_of(c);
              }
          }
        }
      }
}

TEST(SramVariants, AnEmptyBatchIsFine) {
  const SramCase c = cases::random_case(1);
  const SramConvSpec spec = cases::make_spec(c);
  const cases::Operands operands = cases::make_operands(c);
  for (const SramConvVariant& v : sram_conv_variants())
    if (v.refuses(spec).empty()) {
      EXPECT_TRUE(run_sums(spec, operands, 0, v.name)[0].empty()) << v.name;
    }
}

TEST(SramVariants, ResultsDoNotDependOnTheThreads) {
  const int before = omp_get_max_threads();
  for (const SramCase& c : large_cases()) {
    const SramConvSpec spec = cases::make_spec(c);
    const cases::Operands operands = cases::make_operands(c);
    for (const SramConvVariant& v : sram_conv_variants()) {
      if (!v.refuses(spec).empty()) continue;
      omp_set_num_threads(1);
      const auto one = run_sums(spec, operands, c.n, v.name);
      for (int threads : {2, 3, 5}) {
        omp_set_num_threads(threads);
        EXPECT_EQ(first_difference(spec, one, run_sums(spec, operands, c.n, v.name)), "")
            << v.name << " with " << threads << " threads on " << cases::text_of(c);
      }
    }
  }
  omp_set_num_threads(before);
}

TEST(SramVariants, OnePlanServesSeveralCallersAtOnce) {
  const SramCase c = large_cases()[0];
  const SramConvSpec spec = cases::make_spec(c);
  const cases::Operands operands = cases::make_operands(c);
  for (const std::string& name : fast_variants()) {
    if (!refusal(name, spec).empty()) continue;
    const auto plan = plan_sram_conv(spec, operands.codes.data(), name);
    const auto alone = run_sums(*plan, spec, operands.q.data(), c.n);
    std::vector<std::vector<std::vector<double>>> results(3);
    std::vector<std::thread> callers;
    for (auto& result : results)
      callers.emplace_back([&] { result = run_sums(*plan, spec, operands.q.data(), c.n); });
    for (std::thread& caller : callers) caller.join();
    for (const auto& result : results) EXPECT_EQ(first_difference(spec, alone, result), "") << name;
  }
}

TEST(SramVariants, ManyTablesEqualOneByOne) {
  for (uint64_t seed = 2000; seed < 2025; ++seed) {
    SramCase c = cases::random_case(seed);
    c.adcs = {{"uniform", 3, {}},
              {"uniform", 0, {}},
              {"saturating", 2, {}},
              {"uniform", 5, {AdcRange::Kind::kNumber, 9.5}},
              {"saturating", 16, {}}};
    const SramConvSpec spec = cases::make_spec(c);
    const cases::Operands operands = cases::make_operands(c);
    for (const std::string& name : fast_variants()) {
      if (!refusal(name, spec).empty()) continue;
      const auto together = run_sums(spec, operands, c.n, name);
      for (size_t t = 0; t < spec.adcs.size(); ++t) {
        SramConvSpec single = spec;
        single.adcs = {spec.adcs[t]};
        const std::string how = refusal(name, single).empty() ? name : "";
        EXPECT_EQ(first_difference(single, {together[t]}, run_sums(single, operands, c.n, how)), "")
            << name << " table " << t << " on " << cases::text_of(c);
      }
    }
  }
}

/// Scaled floats must be exactly layer_output() of the reference's sums.
TEST(SramVariants, ScaledOutputsEqualTheReference) {
  for (uint64_t seed = 3000; seed < 3060; ++seed) {
    const SramCase c = cases::random_case(seed);
    const SramConvSpec spec = cases::make_spec(c);
    const cases::Operands operands = cases::make_operands(c);
    const auto sums = run_sums(spec, operands, c.n, "reference");
    cases::Random random(seed);
    std::vector<float> bias(c.shape.o);
    for (float& b : bias) b = static_cast<float>(random.unit() * 4 - 2);
    for (const std::string& name : fast_variants()) {
      if (!refusal(name, spec).empty()) continue;
      std::vector<std::vector<float>> y(spec.adcs.size(), std::vector<float>(sums[0].size(), std::nanf("")));
      std::vector<SramOutput> outputs;
      for (size_t t = 0; t < y.size(); ++t)
        outputs.push_back({.y = y[t].data(),
                           .act_scale = 1.5f + static_cast<float>(t),
                           .weight_scale = 11.7f,
                           .bias = t == 1 ? nullptr : bias.data(),
                           .relu = t == 0});
      plan_sram_conv(spec, operands.codes.data(), name)->run(operands.q.data(), c.n, outputs);
      for (size_t t = 0; t < y.size(); ++t)
        for (size_t at = 0; at < y[t].size(); ++at) {
          const SramOutput& out = outputs[t];
          const float b = out.bias ? out.bias[at % c.shape.o] : 0.0f;
          ASSERT_EQ(y[t][at], layer_output(sums[t][at], out.act_scale, out.weight_scale, b, out.relu))
              << name << " table " << t << " at " << at << " on " << cases::text_of(c);
        }
    }
  }
}

/// The chosen name is the forced one, every variant has a maker of its own, and what they make differs in
/// kind (the two SIMD widths share one class, told apart by their makers).
TEST(SramVariants, AForcedVariantIsTheOneThatRuns) {
  std::set<decltype(SramConvVariant::make)> makers;
  for (const SramConvVariant& v : sram_conv_variants()) makers.insert(v.make);
  EXPECT_EQ(makers.size(), sram_conv_variants().size());

  SramCase both = cases::seed_conv2(64, 5);
  both.adcs = {{"uniform", 5, {}}, {"uniform", 0, {}}};
  std::map<std::string, std::set<std::string>> family_types;  // amx, by-density, simd, integer, ...
  for (const SramCase& c : {cases::seed_conv2(64, 5), cases::seed_conv2(64, 0), both}) {
    const SramConvSpec spec = cases::make_spec(c);
    const cases::Operands operands = cases::make_operands(c);
    std::string best, chosen;
    for (const SramConvVariant& v : sram_conv_variants()) {
      if (!v.refuses(spec).empty()) continue;
      if (best.empty()) best = v.name;
      const auto plan = plan_sram_conv(spec, operands.codes.data(), v.name, &chosen);
      EXPECT_EQ(chosen, v.name);
      const SramConvPlan& object = *plan;
      family_types[chosen.starts_with("avx") ? "simd" : chosen].insert(typeid(object).name());
    }
    plan_sram_conv(spec, operands.codes.data(), "", &chosen);
    EXPECT_EQ(chosen, best) << "unforced, the first that accepts is taken";
  }
  EXPECT_EQ(family_types.size(), 4u + (cpu_has_avx2() ? 1u : 0u) + (cpu_has_amx() ? 2u : 0u));
  std::set<std::string> seen;
  for (const auto& [family, types] : family_types)
    for (const std::string& type : types)
      EXPECT_TRUE(seen.insert(type).second) << family << " shares " << type;
}

TEST(SramVariants, TheMainDesignPointsAreAcceptedByThisMachinesInstructionSet) {
  for (int subarray : {16, 32, 64, 128, 256})
    for (int bits : {3, 4, 5}) {
      const SramConvSpec spec = cases::make_spec(cases::seed_conv2(subarray, bits));
      if (cpu_has_amx() && subarray <= 128) {
        EXPECT_EQ(refusal("by-density", spec), "") << subarray << " " << bits;
      }
      if (cpu_has_avx512()) {
        EXPECT_EQ(refusal("avx512", spec), "") << subarray << " " << bits;
      }
      if (cpu_has_avx2()) {
        EXPECT_EQ(refusal("avx2", spec), "") << subarray << " " << bits;
      }
    }
}

}  // namespace
}  // namespace sramsim
