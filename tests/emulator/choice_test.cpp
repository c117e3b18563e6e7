// The choice of kernel and the admission of converter forms.
#include "kernels/sram_conv/sram_choice_cuda.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/core/error.h"
#include "kernels/sram_conv/sram_pack_cuda.h"
#include "tests/cases.h"

namespace sramsim {
namespace {

using cuda::AdcKind;
using cuda::GpuLimits;
using cuda::SramKernel;

constexpr GpuLimits kA100{8, 0, 163 << 10}, kH200{9, 0, 227 << 10}, kBlackwell{12, 0, 99 << 10},
    kTuring{7, 5, 64 << 10};

TEST(Choice, SeedConv2TakesTheDirectKernelUpToOneUnitOfRows) {
  for (int r : {16, 32, 64, 128, 256, 512}) {
    const SramConvSpec spec = cases::make_spec(cases::seed_conv2(r, r == 16 ? 4 : 5));
    for (const GpuLimits& gpu : {kA100, kH200}) {
      const cuda::SramChoice choice = choose_sram_kernel(spec, 0, gpu);
      EXPECT_EQ(choice.kernel, SramKernel::kDirect) << r;
      EXPECT_EQ(choice.groups_per_step, r < 128 ? 2 : 1) << r;
      EXPECT_LE(choice.shared_bytes, gpu.shared_bytes);
      EXPECT_EQ(choice.tile_o, 128);
    }
    EXPECT_EQ(choose_sram_kernel(spec, 0, kBlackwell).kernel, SramKernel::kPortable);
    EXPECT_EQ(choose_sram_kernel(spec, 0, kTuring).kernel, SramKernel::kPortable);
  }
}

TEST(Choice, Float8IsTakenOnlyWhenAskedFor) {
  for (int r : {16, 32, 64, 128}) {
    // 5 bits of 128 rows are a step that halves cannot express.
    const SramConvSpec spec = cases::make_spec(cases::seed_conv2(r, r == 16 || r == 128 ? 4 : 5));
    EXPECT_NE(choose_sram_kernel(spec, 0, kH200).kernel, SramKernel::kFloat8);
    const cuda::SramChoice choice = choose_sram_kernel(spec, 0, kH200, "float8");
    EXPECT_EQ(choice.blocks_per_group, std::max(1, r / 32));
    EXPECT_EQ(choice.tile_o, 16);
    EXPECT_EQ(choice.threads, 512);
    EXPECT_LE(choice.shared_bytes, kH200.shared_bytes);
  }
  const auto reason = [](cases::SramCase c, GpuLimits gpu) {
    cuda::SramChoice choice;
    return refuses(SramKernel::kFloat8, cases::make_spec(c), 0, gpu, "", &choice);
  };
  cases::SramCase c = cases::seed_conv2(64, 5);
  EXPECT_EQ(reason(c, kH200), "");
  EXPECT_NE(reason(c, kA100).find("9.0"), std::string::npos);
  EXPECT_NE(reason(c, {9, 0, 227 << 10, false}).find("sm_90a"), std::string::npos);
  c.shape.stride = 2;
  EXPECT_NE(reason(c, kH200).find("stride"), std::string::npos);
  c = cases::seed_conv2(256, 5);
  c.mapping = "unrolled";
  EXPECT_NE(reason(c, kH200).find("32 channels"), std::string::npos);
  c = cases::seed_conv2(64, 5);
  c.act_bits = 8;
  EXPECT_NE(reason(c, kH200).find("16 bits"), std::string::npos);
}

TEST(Choice, LosslessLayersBecomeIntegerConvolutions) {
  const SramConvSpec spec = cases::make_spec(cases::seed_conv2(64, 8));
  EXPECT_EQ(choose_sram_kernel(spec, 0, kH200).kernel, SramKernel::kInteger);
  EXPECT_EQ(choose_sram_kernel(spec, 0, kA100).tile_o,
            64);  // the weights of 128 channels leave no room for tiles
  EXPECT_EQ(choose_sram_kernel(spec, 0, kBlackwell).kernel, SramKernel::kInteger);
  EXPECT_EQ(choose_sram_kernel(spec, 0, kTuring).kernel, SramKernel::kPortable);
}

TEST(Choice, TallGroupsAndWideDacsAreChained) {
  cases::SramCase c = cases::seed_conv2(500, 5);
  c.mapping = "unrolled";
  EXPECT_EQ(choose_sram_kernel(cases::make_spec(c), 0, kH200).kernel, SramKernel::kChained);
  c = cases::seed_conv2(128, 5);
  c.dac_bits = 2;
  EXPECT_EQ(choose_sram_kernel(cases::make_spec(c), 0, kH200).kernel, SramKernel::kChained);
}

TEST(Choice, LinearLayersAreGathered) {
  cases::SramCase c;
  c.shape = {4608, 1, 1, 128, 1, 1, 1, 0};
  c.adcs = {{"uniform", 4, {}}};
  EXPECT_EQ(choose_sram_kernel(cases::make_spec(c), 0, kH200).kernel, SramKernel::kGather);
}

TEST(Choice, CanBeForcedAndSaysWhyNot) {
  const SramConvSpec spec = cases::make_spec(cases::seed_conv2(64, 5));
  EXPECT_EQ(choose_sram_kernel(spec, 0, kH200, "direct/fma").adc, AdcKind::kFma);
  EXPECT_EQ(choose_sram_kernel(spec, 0, kH200, "chained/table").adc, AdcKind::kTable);
  EXPECT_EQ(choose_sram_kernel(spec, 0, kH200, "portable").kernel, SramKernel::kPortable);
  EXPECT_NE(to_string(choose_sram_kernel(spec, 0, kH200)).find("direct/half2, 2 row groups a step"),
            std::string::npos);
  const auto reason = [&](const std::string& force) {
    try {
      choose_sram_kernel(spec, 0, kH200, force);
    } catch (const InputError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_NE(reason("integer").find("not lossless"), std::string::npos);
  EXPECT_NE(reason("direct/clamp").find("clamp: partial sum"), std::string::npos);
  EXPECT_NE(reason("direct/table").find("no converter form"), std::string::npos);
  EXPECT_NE(reason("fast").find("choose one of: integer"), std::string::npos);
}

TEST(Choice, SharedMemoryIsAskedForAndRespected) {
  cases::SramCase c;
  c.shape = {2048, 16, 16, 128, 3, 3, 1, 1};
  c.adcs = {{"uniform", 5, {}}};
  const SramConvSpec spec = cases::make_spec(c);
  cuda::SramChoice choice;
  EXPECT_NE(refuses(SramKernel::kDirect, spec, 0, kH200, "", &choice).find("KiB of shared memory"),
            std::string::npos);
  EXPECT_EQ(choose_sram_kernel(spec, 0, kH200).kernel, SramKernel::kGather);
}

/// Every admitted form equals its table; what is refused differs somewhere.
TEST(AdcForms, CoverTheConvertersThatMatter) {
  int admitted[5] = {};
  for (int r : {16, 32, 64, 128, 256, 512, 4096})
    for (int bits = 1; bits <= 8; ++bits)
      for (const char* mode : {"uniform", "saturating"}) {
        cases::SramCase c;
        c.shape = {r, 1, 1, 1, 1, 1, 1, 0};
        c.subarray = r;
        c.adcs = {{mode, bits, {}}};
        const SramConvSpec spec = cases::make_spec(c);
        for (AdcKind kind : {AdcKind::kClamp, AdcKind::kHalf2, AdcKind::kFma, AdcKind::kTable}) {
          cuda::AdcForm form;
          const bool ok = admit_adc_form(spec.adcs[0], spec.p_max(), kind, &form).empty();
          admitted[static_cast<int>(kind)] += ok;
          if (kind == AdcKind::kFma || kind == AdcKind::kTable) {
            EXPECT_TRUE(ok) << mode << " " << r << " " << bits;
          }
          if (kind == AdcKind::kClamp && std::string(mode) == "saturating") {
            EXPECT_TRUE(ok);
          }
        }
      }
  EXPECT_GT(admitted[static_cast<int>(AdcKind::kHalf2)], 70) << "of 112";
}

TEST(AdcForms, AWrongEntryIsFound) {
  const SramConvSpec spec = cases::make_spec(cases::seed_conv2(64, 5));
  AdcTable table = spec.adcs[0];
  ++table.code[40];
  for (AdcKind kind : {AdcKind::kHalf2, AdcKind::kFma}) {
    cuda::AdcForm form;
    EXPECT_NE(admit_adc_form(table, spec.p_max(), kind, &form).find("partial sum 40 gives"),
              std::string::npos);
  }
}

/// Passes must add up to the shift-add's weights, whatever their order and flushes.
TEST(Passes, WeighEveryDigitAndPlane) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const cases::SramCase c = cases::random_case(seed);
    const SramConvSpec spec = cases::make_spec(c);
    for (int64_t limit : {int64_t{0}, int64_t{32767}}) {
      const cuda::OperandStrides strides{0, 0, 1, 0};
      const auto passes = make_passes(spec, spec.adcs[0], strides, 1, limit);
      if (passes.empty()) continue;
      std::vector<int64_t> weights(spec.digits() * spec.planes());
      const int plane = c.shape.positions() * cuda::plane_units(c.shape.c);
      for (size_t k = 0; k < passes.size(); ++k) {
        int64_t weight = 1;
        size_t last = k;
        while (passes[last].flush == 0) weight *= passes[++last].scale;
        weights[passes[k].a / spec.dac_bits * spec.planes() + passes[k].w / plane] +=
            weight * passes[last].flush;
      }
      for (int i = 0; i < spec.digits(); ++i)
        for (int j = 0; j < spec.planes(); ++j)
          EXPECT_EQ(weights[i * spec.planes() + j],
                    int64_t{plane_weight(spec.encoding, spec.weight_bits, j)} << (i * spec.dac_bits));
    }
  }
}

}  // namespace
}  // namespace sramsim
