// The choice of kernel and the admission of converter forms.
#include "kernels/sram_conv/sram_choice_cuda.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

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

TEST(Choice, SeedConv2TakesTheKernelsThatWereMeasuredBest) {
  for (int r : {16, 32, 64, 128, 256, 512}) {
    const SramConvSpec spec = cases::make_spec(cases::seed_conv2(r, r == 16 ? 4 : 5));
    const cuda::SramChoice hopper = choose_sram_kernel(spec, 0, kH200);
    EXPECT_EQ(hopper.kernel, r <= 32 ? SramKernel::kFloat8 : SramKernel::kBinary) << r;
    EXPECT_EQ(hopper.adc, r <= 32 ? AdcKind::kHalf2 : AdcKind::kFused) << r;
    EXPECT_EQ(hopper.block_channels(), r <= 32 ? 32 : 128) << r;
    EXPECT_EQ(hopper.threads, r <= 32 ? 384 : 256) << r;
    EXPECT_LE(hopper.shared_bytes, kH200.shared_bytes);
    const GpuLimits without_warpgroups{9, 0, 227 << 10, false};
    for (const GpuLimits& gpu : {kA100, without_warpgroups}) {
      const cuda::SramChoice choice = choose_sram_kernel(spec, 0, gpu);
      EXPECT_EQ(choice.kernel, SramKernel::kDirect) << r;
      EXPECT_EQ(choice.adc, AdcKind::kFused) << r;
      EXPECT_EQ(choice.groups_per_step, r < 128 ? 2 : 1) << r;
      EXPECT_LE(choice.shared_bytes, gpu.shared_bytes);
      EXPECT_EQ(choice.tile_o, 128);
    }
    EXPECT_EQ(choose_sram_kernel(spec, 0, kBlackwell).kernel, SramKernel::kPortable);
    EXPECT_EQ(choose_sram_kernel(spec, 0, kTuring).kernel, SramKernel::kPortable);
  }
}

TEST(Choice, WarpgroupKernelsSayWhatTheyCannotHave) {
  const auto reason = [](SramKernel kernel, cases::SramCase c, GpuLimits gpu, const std::string& form = "") {
    cuda::SramChoice choice;
    return refuses(kernel, cases::make_spec(c), 0, gpu, form, &choice);
  };
  const auto says = [&](const std::string& text, const std::string& word) {
    return text.find(word) != std::string::npos ? testing::AssertionSuccess()
                                                : testing::AssertionFailure() << "'" << text << "'";
  };
  for (SramKernel kernel : {SramKernel::kFloat8, SramKernel::kBinary}) {
    cases::SramCase c = cases::seed_conv2(32, 5);
    EXPECT_EQ(reason(kernel, c, kH200), "");
    EXPECT_TRUE(says(reason(kernel, c, kA100), "9.0"));
    EXPECT_TRUE(says(reason(kernel, c, {9, 0, 227 << 10, false}), "sm_90a"));
    EXPECT_TRUE(says(reason(kernel, c, {9, 0, 16 << 10}), "KiB of shared memory"));
    c.shape.stride = 2;
    EXPECT_TRUE(kernel == SramKernel::kBinary || says(reason(kernel, c, kH200), "stride"));
    c = cases::seed_conv2(32, 5);
    c.dac_bits = 2;
    EXPECT_TRUE(says(reason(kernel, c, kH200), "DAC"));
  }
  EXPECT_TRUE(says(reason(SramKernel::kFloat8, cases::seed_conv2(64, 5), kH200), "16 channels"));
  cases::SramCase wide = cases::seed_conv2(32, 5);
  wide.act_bits = 8;  // sums of 16 bits overflow, those of 32 do not
  EXPECT_TRUE(says(reason(SramKernel::kFloat8, wide, kH200), "16 bits"));
  EXPECT_TRUE(says(reason(SramKernel::kBinary, wide, kH200, "half2"), "no converter form"));
  EXPECT_EQ(reason(SramKernel::kBinary, wide, kH200), "");
}

TEST(Choice, RowsAreCollectedWhereThatPays) {
  const auto choice_of = [](int r, const char* mapping, int stride) {
    cases::SramCase c = cases::seed_conv2(r, 5);
    c.mapping = mapping;
    c.shape.stride = stride;
    return choose_sram_kernel(cases::make_spec(c), 0, kH200);
  };
  for (int r : {32, 64, 128, 256, 512}) {
    EXPECT_FALSE(choice_of(r, "shape-wise", 1).collects) << r;
    const cuda::SramChoice unrolled = choice_of(r, "unrolled", 1), strided = choice_of(r, "shape-wise", 2);
    EXPECT_TRUE(unrolled.collects) << r;
    EXPECT_EQ(unrolled.group_products, r <= 256 ? 1 : 2) << r;
    EXPECT_EQ(strided.kernel, r < 128 ? SramKernel::kDirect : SramKernel::kBinary) << r;
  }
}

/// Collected bits of so many channels leave no room for anything else.
TEST(Choice, RowsStayInPlaceWhereCollectedOnesDoNotFit) {
  for (const auto& [channels, rows, bits] : {std::tuple{1024, 4096, 4}, {320, 1024, 8}, {192, 2048, 8}}) {
    cases::SramCase c = cases::seed_conv2(rows, 5);
    c.shape.c = channels;
    c.mapping = "unrolled";
    c.act_bits = c.weight_bits = bits;
    const cuda::SramChoice choice = choose_sram_kernel(cases::make_spec(c), 0, kH200);
    EXPECT_EQ(choice.kernel, SramKernel::kBinary) << channels;
    EXPECT_FALSE(choice.collects) << channels;
  }
}

TEST(Choice, BlocksOfSlicesAreEven) {
  cases::SramCase c = cases::seed_conv2(128, 5);
  cuda::SramChoice choice;
  for (int o : {16, 80, 144, 528}) {
    c.shape.o = o;
    ASSERT_EQ(refuses(SramKernel::kBinary, cases::make_spec(c), 0, kH200, "", &choice), "");
    EXPECT_EQ(choice.adc, o == 16 ? AdcKind::kHalf2 : AdcKind::kFused);  // one slice, or o tiles of two
    const int tiles = (o + choice.tile_o - 1) / choice.tile_o,
              of_block = choice.block_channels() / choice.tile_o, blocks = (tiles + of_block - 1) / of_block;
    EXPECT_LT(blocks * of_block - tiles, blocks) << o;
  }
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
  EXPECT_EQ(choose_sram_kernel(cases::make_spec(c), 0, kA100).kernel, SramKernel::kChained);
  EXPECT_EQ(choose_sram_kernel(cases::make_spec(c), 0, kH200).kernel, SramKernel::kBinary);
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
  EXPECT_NE(to_string(choose_sram_kernel(spec, 0, kA100)).find("direct/fused, 2 row groups a step"),
            std::string::npos);
  EXPECT_NE(to_string(choose_sram_kernel(spec, 0, kH200)).find("tile 128 pixels x 128 channels"),
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
  int admitted[6] = {};
  for (int r : {16, 32, 64, 128, 256, 512, 4096})
    for (int bits = 1; bits <= 8; ++bits)
      for (const char* mode : {"uniform", "saturating"}) {
        cases::SramCase c;
        c.shape = {r, 1, 1, 1, 1, 1, 1, 0};
        c.subarray = r;
        c.adcs = {{mode, bits, {}}};
        const SramConvSpec spec = cases::make_spec(c);
        for (AdcKind kind :
             {AdcKind::kClamp, AdcKind::kFused, AdcKind::kHalf2, AdcKind::kFma, AdcKind::kTable}) {
          cuda::AdcForm form;
          const bool ok = admit_adc_form(spec.adcs[0], spec.p_max(), kind, &form).empty();
          admitted[static_cast<int>(kind)] += ok;
          if (kind == AdcKind::kFma || kind == AdcKind::kTable) {
            EXPECT_TRUE(ok) << mode << " " << r << " " << bits;
          }
          if (kind == AdcKind::kClamp && std::string(mode) == "saturating") {
            EXPECT_TRUE(ok);
          }
          if (kind == AdcKind::kFused) {  // unless it saturates
            EXPECT_EQ(ok, std::string(mode) == "uniform" || (1 << bits) > r)
                << mode << " " << r << " " << bits;
          }
          if (kind == AdcKind::kHalf2 && std::string(mode) == "uniform" && r < 2048) {
            EXPECT_TRUE(ok) << r << " " << bits;  // one tie alone: see admit_half2()
          }
        }
      }
  EXPECT_GT(admitted[static_cast<int>(AdcKind::kHalf2)], 70) << "of 112";
}

TEST(AdcForms, AWrongEntryIsFound) {
  const SramConvSpec spec = cases::make_spec(cases::seed_conv2(64, 5));
  AdcTable table = spec.adcs[0];
  ++table.code[40];
  for (AdcKind kind : {AdcKind::kFused, AdcKind::kHalf2, AdcKind::kFma}) {
    cuda::AdcForm form;
    EXPECT_NE(admit_adc_form(table, spec.p_max(), kind, &form).find("partial sum 40 gives"),
              std::string::npos);
  }
}

/// Sums of codes as floats, doubled and negated on the way as passes do, up to the largest there may be.
TEST(AdcForms, FusedSumsAreWholeNumbers) {
  using Sums = cuda::FusedSums;
  const SramConvSpec spec = cases::make_spec(cases::seed_conv2(128, 5));
  cuda::AdcForm form;
  ASSERT_EQ(admit_adc_form(spec.adcs[0], spec.p_max(), AdcKind::kFused, &form), "");
  cases::Random random(5);
  for (int run = 0; run < 100; ++run) {
    int64_t sum = 0;
    uint32_t word = Sums::kStart;
    for (;;) {
      const int factor = random.range(0, 20) > 0 ? 1 : random.range(0, 1) > 0 ? 2 : -1;
      const auto p = static_cast<uint32_t>(random.range(0, 128));
      const int64_t next = sum * factor + spec.adcs[0].code[p];
      if (std::abs(next) > cuda::kMostFusedSum || std::abs(sum * factor) > cuda::kMostFusedSum) break;
      sum = next;
      word = ptx::fma_bits(p, form.scale, Sums::times(word, factor));
      ASSERT_EQ(static_cast<int32_t>(word - Sums::kStart), sum);
    }
    EXPECT_GT(std::abs(sum), cuda::kMostFusedSum / 4);
  }
  EXPECT_EQ(Sums::kStart, ptx::float_bits(Sums::kStartValue));
}

TEST(AdcForms, FusedSumsMustFit) {
  const auto adc_of = [](int bits, const char* kernel) {
    cases::SramCase c = cases::seed_conv2(128, 5);
    c.act_bits = bits;
    c.weight_bits = bits;
    return choose_sram_kernel(cases::make_spec(c), 0, kH200, kernel).adc;
  };
  EXPECT_EQ(adc_of(6, "direct"), AdcKind::kFused);
  EXPECT_EQ(adc_of(8, "direct"), AdcKind::kHalf2);  // 9 row groups of 31 codes, 255 * 255 times
  EXPECT_EQ(adc_of(8, "binary"), AdcKind::kFused);  // those of a column: 255 times
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
