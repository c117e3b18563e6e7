// The real sources of the CUDA kernels against the scalar reference, without a GPU: every kernel with every
// converter form it accepts, on the boundary cases, on random ones and on image-shaped ones; integers with
// zero tolerance.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "kernels/core/two_floats.h"
#include "kernels/sram_conv/variants.h"
#include "tests/cases.h"
#include "tests/emulator/emulated_kernels.h"
#include "tests/golden_layer.h"

namespace sramsim {
namespace {

using cases::Operands;
using cases::SramCase;

constexpr double kMostEffort = 12000;  // keeps the whole program well under a minute
constexpr int kBeyond = 64;            // floats behind the outputs, which nobody may write

/// Raw sums, or scaled outputs, of all converters by the reference.
template <typename T>
std::vector<std::vector<T>> reference(const SramConvSpec& spec, const Operands& operands, int n,
                                      SramOutput scaling, T* SramOutput::*destination) {
  std::vector<std::vector<T>> results(spec.adcs.size(), std::vector<T>(n * spec.shape.outputs()));
  std::vector<SramOutput> outputs(spec.adcs.size(), scaling);
  for (size_t t = 0; t < outputs.size(); ++t) outputs[t].*destination = results[t].data();
  sram_conv_reference().make(spec, operands.codes.data())->run(operands.q.data(), n, outputs);
  return results;
}

/// Where two results differ first, with what reproduces it; empty if nowhere.
template <typename T>
std::string difference(const SramCase& c, const cuda::SramChoice& choice, const std::vector<T>& want,
                       const std::vector<T>& got) {
  for (size_t k = 0; k < want.size(); ++k)
    // The bits, so that -0 is no 0.  NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
    if (std::memcmp(&want[k], &got[k], sizeof(T)) != 0)
      return to_string(choice) + " at " + std::to_string(k) + ": " + std::to_string(got[k]) + " instead of " +
             std::to_string(want[k]) + "\n  " + cases::text_of(c);
  return "";
}

/// Binary tensor products the emulator would have to do, roughly.
double effort(const SramConvSpec& spec, int n) {
  const ConvShape& s = spec.shape;
  const int pixel_tiles = n * ((s.out_h() + 7) / 8) * ((s.out_w() + 7) / 8) * 4;  // of 16
  const int channel_tiles = (s.o + 31) / 32 * 4;                                  // of 8
  const int steps = s.positions() * ((s.c + 127) / 128) + spec.rows.groups();
  return 1.0 * pixel_tiles * channel_tiles * spec.digits() * spec.dac_bits * spec.planes() * steps;
}

/// Every (kernel, converter form) that accepts converter t of the case.
std::vector<cuda::SramChoice> choices_of(const SramConvSpec& spec, size_t t) {
  std::vector<cuda::SramChoice> list;
  for (const cuda::SramKernelInfo& info : cuda::sram_cuda_kernels()) {
    std::set<cuda::AdcKind> seen;
    for (const char* form : {"", "clamp", "fused", "half2", "fma", "table"}) {
      cuda::SramChoice choice;
      if (refuses(info.kernel, spec, t, cuda::GpuLimits{}, form, &choice).empty() &&
          seen.insert(choice.adc).second)
        list.push_back(choice);
    }
  }
  return list;
}

/// Kernel, form and groups per step: what a list of cases must have reached.
std::string key_of(const cuda::SramChoice& choice) {
  return to_string(choice).substr(0, to_string(choice).find(", tile"));
}

class SramKernels : public testing::Test {
 protected:
  /// Raw sums of every kernel. False if the case is too large for the emulator.
  bool check_sums(const SramCase& c) { return check_sums(c, cases::make_spec(c)); }
  bool check_sums(const SramCase& c, const SramConvSpec& spec) {
    if (effort(spec, c.n) > kMostEffort) return false;
    const Operands operands = cases::make_operands(c);
    const auto want = reference<double>(spec, operands, c.n, {}, &SramOutput::s);
    for (size_t t = 0; t < spec.adcs.size(); ++t)
      for (const cuda::SramChoice& choice : choices_of(spec, t)) {
        std::vector<double> got(want[t].size(), -1.0);
        SramOutput output;
        output.s = got.data();
        emulator::run_sram_conv(spec, t, choice, operands.codes.data(), operands.q.data(), c.n, output,
                                c.seed);
        EXPECT_EQ(difference(c, choice, want[t], got), "");
        reached_.insert(key_of(choice));
      }
    return true;
  }

  /// The layer's scaled output of every kernel.
  void check_outputs(const SramCase& c, SramOutput scaling) {
    const SramConvSpec spec = cases::make_spec(c);
    const Operands operands = cases::make_operands(c);
    const auto want = reference<float>(spec, operands, c.n, scaling, &SramOutput::y);
    for (size_t t = 0; t < spec.adcs.size(); ++t)
      for (const cuda::SramChoice& choice : choices_of(spec, t)) {
        std::vector<float> got(want[t].size() + kBeyond, -1.0f);
        SramOutput output = scaling;
        output.y = got.data();
        emulator::run_sram_conv(spec, t, choice, operands.codes.data(), operands.q.data(), c.n, output,
                                c.seed);
        EXPECT_EQ(difference(c, choice, want[t], got), "");
        EXPECT_EQ(std::count(got.end() - kBeyond, got.end(), -1.0f), kBeyond) << to_string(choice);
      }
  }
  std::set<std::string> reached_;
};

TEST_F(SramKernels, EqualTheReferenceOnBoundaryCases) {
  int checked = 0;
  for (const SramCase& c : cases::boundary_cases()) checked += check_sums(c);
  EXPECT_GT(checked, 100);
}

TEST_F(SramKernels, EqualTheReferenceOnRandomCases) {
  int checked = 0;
  for (uint64_t seed = 1; seed <= 80; ++seed) checked += check_sums(cases::random_case(seed));
  EXPECT_GT(checked, 40);
}

/// A row group may name its rows in any order: here two runs of one kernel position, the higher one first, of
/// sparse activations, so that empty tiles are skipped.
TEST_F(SramKernels, EqualTheReferenceOnRowsInAnyOrder) {
  SramCase c;
  c.shape = {128, 8, 8, 16, 1, 1, 1, 0};
  c.act_bits = 2;
  c.bit_density = 0.0005;
  c.subarray = 64;
  c.adcs = {{"uniform", 6, {}}};
  SramConvSpec spec = cases::make_spec(c);
  spec.rows.segments = {{0, 64, 96}, {0, 0, 32}, {0, 96, 128}, {0, 32, 64}};
  spec.rows.group_begin = {0, 2, 4};
  for (c.seed = 1; c.seed <= 8; ++c.seed) EXPECT_TRUE(check_sums(c, spec));
}

TEST_F(SramKernels, EqualTheReferenceOnImages) {
  for (uint64_t seed = 1; seed <= 60; ++seed) check_sums(cases::image_case(seed));
  for (const SramCase& c : cases::warpgroup_cases()) EXPECT_TRUE(check_sums(c));
  // Nothing that can be launched may go untested.
  const std::set<std::string> all = {"integer/none",
                                     "integer-gather/none",
                                     "direct/clamp, 1 row groups a step",
                                     "direct/fused, 1 row groups a step",
                                     "direct/half2, 1 row groups a step",
                                     "direct/fma, 1 row groups a step",
                                     "direct/clamp, 2 row groups a step",
                                     "direct/fused, 2 row groups a step",
                                     "direct/half2, 2 row groups a step",
                                     "direct/fma, 2 row groups a step",
                                     "float8/half2, 1 products a row group, 4 columns a channel",
                                     "float8/half2, 1 products a row group, 8 columns a channel",
                                     "binary/fused, 1 products a row group, 4 columns a channel",
                                     "binary/fused, 2 products a row group, 4 columns a channel",
                                     "binary/fused, 3 products a row group, 4 columns a channel",
                                     "binary/fused, 1 products a row group, 8 columns a channel",
                                     "binary/fused, 2 products a row group, 8 columns a channel",
                                     "binary/fused, 3 products a row group, 8 columns a channel",
                                     "binary/fused, 1 products a row group, collected, 4 columns a channel",
                                     "binary/fused, 2 products a row group, collected, 4 columns a channel",
                                     "binary/fused, 4 products a row group, collected, 4 columns a channel",
                                     "binary/fused, 1 products a row group, collected, 8 columns a channel",
                                     "binary/fused, 2 products a row group, collected, 8 columns a channel",
                                     "binary/fused, 4 products a row group, collected, 8 columns a channel",
                                     "binary/half2, 1 products a row group, 4 columns a channel",
                                     "binary/half2, 2 products a row group, 4 columns a channel",
                                     "binary/half2, 1 products a row group, 8 columns a channel",
                                     "binary/half2, 2 products a row group, 8 columns a channel",
                                     "binary/half2, 1 products a row group, collected, 4 columns a channel",
                                     "binary/half2, 2 products a row group, collected, 4 columns a channel",
                                     "binary/half2, 4 products a row group, collected, 4 columns a channel",
                                     "binary/half2, 1 products a row group, collected, 8 columns a channel",
                                     "binary/half2, 2 products a row group, collected, 8 columns a channel",
                                     "binary/half2, 4 products a row group, collected, 8 columns a channel",
                                     "binary/fma, 1 products a row group, 4 columns a channel",
                                     "binary/fma, 2 products a row group, 4 columns a channel",
                                     "binary/fma, 3 products a row group, 4 columns a channel",
                                     "binary/fma, 1 products a row group, 8 columns a channel",
                                     "binary/fma, 2 products a row group, 8 columns a channel",
                                     "binary/fma, 3 products a row group, 8 columns a channel",
                                     "binary/fma, 1 products a row group, collected, 4 columns a channel",
                                     "binary/fma, 2 products a row group, collected, 4 columns a channel",
                                     "binary/fma, 4 products a row group, collected, 4 columns a channel",
                                     "binary/fma, 1 products a row group, collected, 8 columns a channel",
                                     "binary/fma, 2 products a row group, collected, 8 columns a channel",
                                     "binary/fma, 4 products a row group, collected, 8 columns a channel",
                                     "chained/half2",
                                     "chained/fma",
                                     "chained/table",
                                     "gather/fma",
                                     "gather/table",
                                     "portable/table, 4 warps, 0 KiB shared"};
  for (const std::string& key : all) EXPECT_TRUE(reached_.count(key)) << key;
  for (const std::string& key : reached_) EXPECT_TRUE(all.count(key)) << key;
}

TEST_F(SramKernels, EqualTheReferenceWhereTilesDifferInWhatIsDark) {
  constexpr int kImages = 20;  // several tiles in a row for every warpgroup of the two blocks
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    const ConvShape shape{64, 9, 9, 18, 2, 2, 1, 0};
    EXPECT_TRUE(check_sums(cases::patchy_case(shape, kImages, 64, "shape-wise", seed)));
    EXPECT_TRUE(check_sums(cases::patchy_case(shape, kImages / 2, 32, "shape-wise", seed)));
    EXPECT_TRUE(check_sums(cases::patchy_case(shape, kImages, 64, "unrolled", seed)));
    // Two and three products a row group; more than 1024 channels; eight columns a channel.
    EXPECT_TRUE(
        check_sums(cases::patchy_case({300, 8, 9, 18, 1, 2, 1, 0}, kImages, 300, "shape-wise", seed)));
    EXPECT_TRUE(
        check_sums(cases::patchy_case({600, 8, 8, 18, 1, 1, 1, 0}, kImages, 600, "shape-wise", seed)));
    EXPECT_TRUE(
        check_sums(cases::patchy_case({1100, 8, 8, 18, 1, 1, 1, 0}, kImages / 2, 128, "shape-wise", seed)));
    SramCase wide = cases::patchy_case({40, 8, 9, 18, 1, 2, 1, 0}, kImages / 2, 40, "shape-wise", seed);
    wide.weight_bits = 5;
    EXPECT_TRUE(check_sums(wide));
  }
}

TEST_F(SramKernels, ReproduceTheGoldenFiles) {
  int runs = 0;
  for (const golden::LayerCase& c : golden::layer_cases()) {
    if (effort(c.spec, c.n) > kMostEffort) continue;
    for (const cuda::SramChoice& choice : choices_of(c.spec, 0)) {
      std::vector<double> got(c.output.size(), -1.0);
      SramOutput output;
      output.s = got.data();
      emulator::run_sram_conv(c.spec, 0, choice, c.operands.codes.data(), c.operands.q.data(), c.n, output);
      for (size_t k = 0; k < got.size(); ++k)
        ASSERT_NEAR(got[k], c.output[k], 1e-9 * std::max(1.0, std::abs(c.output[k])))
            << to_string(choice) << ", case " << c.name << " at " << k;
      ++runs;
    }
  }
  EXPECT_GT(runs, 60);
}

TEST_F(SramKernels, ScaledOutputsEqualTheReference) {
  std::vector<float> bias(66);
  for (size_t k = 0; k < bias.size(); ++k) bias[k] = 0.37f * static_cast<float>(k) - 5.0f;
  SramCase c;
  c.shape = {40, 9, 9, 24, 3, 3, 1, 0};
  c.act_bits = 2;
  c.weight_bits = 3;
  c.subarray = 32;
  c.adcs = {{"uniform", 3, {}}, {"uniform", 0, {}}, {"saturating", 2, {}}};
  SramOutput scaling;
  scaling.act_scale = 0.31337f;
  scaling.weight_scale = 27.18f;
  for (Encoding e : {Encoding::kTwosComplement, Encoding::kOffset}) {
    c.encoding = e;
    for (int o : {24, 22, 7}) {  // stored in fours, in pairs, by the general store
      c.shape.o = o;
      for (const float* b : {static_cast<const float*>(nullptr), static_cast<const float*>(bias.data())}) {
        scaling.bias = b;
        scaling.relu = b != nullptr;
        check_outputs(c, scaling);
      }
    }
  }
  c.shape.o = 24;
  c.encoding = Encoding::kTwosComplement;
  c.weight_bits = 6;  // four pairs of columns a channel
  check_outputs(c, scaling);
  c.weight_bits = 3;
  scaling.bias = bias.data() + 2;  // not at a multiple of 16 bytes
  check_outputs(c, scaling);
  while (gives_quotients(two_floats(1.0 / scaling.weight_scale), scaling.weight_scale))
    scaling.weight_scale = std::nextafter(scaling.weight_scale, 100.0f);
  check_outputs(c, scaling);  // quotients need a correction
  c.shape.o = 8;
  scaling.act_scale = 0x1p-40f;  // beyond the range of the fast quotients
  check_outputs(c, scaling);
}

TEST_F(SramKernels, TablesThatDoNotStartAtZeroForbidSkipping) {
  SramCase c;
  c.shape = {33, 8, 8, 9, 2, 2, 1, 0};
  c.act_bits = 2;
  c.weight_bits = 2;
  c.bit_density = 0.02;
  SramConvSpec spec = cases::make_spec(c);
  for (uint32_t& code : spec.adcs[0].code) code = (code * 5 + 3) % 17;
  spec.adcs[0].max_code = 16;
  const Operands operands = cases::make_operands(c);
  const auto want = reference<double>(spec, operands, c.n, {}, &SramOutput::s);
  int tables = 0;
  for (const cuda::SramChoice& choice : choices_of(spec, 0)) {
    EXPECT_EQ(choice.adc, cuda::AdcKind::kTable);
    std::vector<double> got(want[0].size(), -1.0);
    SramOutput output;
    output.s = got.data();
    emulator::run_sram_conv(spec, 0, choice, operands.codes.data(), operands.q.data(), c.n, output);
    EXPECT_EQ(difference(c, choice, want[0], got), "");
    ++tables;
  }
  EXPECT_EQ(tables, 3);  // chained, gather, portable
}

TEST_F(SramKernels, SumsThatFillSixteenBitLanesAreFlushedInTime) {
  SramCase c;
  c.shape = {128, 8, 8, 8, 3, 3, 1, 1};
  c.act_bits = 8;
  c.weight_bits = 2;
  c.subarray = 16;
  c.bit_density = 1.0;
  c.adcs = {{"uniform", 5, {}}};
  const SramConvSpec spec = cases::make_spec(c);
  const auto passes = cuda::make_passes(spec, spec.adcs[0], {}, 0, 32767);
  int flushes = 0;
  for (const cuda::Pass& pass : passes) flushes += pass.flush != 0;
  EXPECT_GT(flushes, spec.planes());  // more than one chain per plane: the bound was met on the way
  const Operands operands = cases::make_operands(c);
  const auto want = reference<double>(spec, operands, c.n, {}, &SramOutput::s);
  cuda::SramChoice choice;
  ASSERT_EQ(refuses(cuda::SramKernel::kDirect, spec, 0, cuda::GpuLimits{}, "half2", &choice), "");
  std::vector<double> got(want[0].size(), -1.0);
  SramOutput output;
  output.s = got.data();
  emulator::run_sram_conv(spec, 0, choice, operands.codes.data(), operands.q.data(), c.n, output);
  EXPECT_EQ(difference(c, choice, want[0], got), "");
}

}  // namespace
}  // namespace sramsim
