// The CUDA plans on a device: the same cases as on the emulator, the golden files, and what only a real plan
// has: chunks, several converters, repeated runs, bad arguments.
#include "kernels/core/error.h"
#include "kernels/core/quantise.h"
#include "kernels/cuda/device_memory.h"
#include "kernels/sram_conv/sram_conv_cuda.h"
#include "kernels/sram_conv/variants.h"
#include "tests/cases.h"
#include "tests/cuda/gpu.h"
#include "tests/golden_layer.h"

namespace sramsim {
namespace {

using cuda::DeviceBuffer;

/// Results of all converters, [t][N*OH*OW*O].
template <typename T>
using Results = std::vector<std::vector<T>>;

Results<double> run_plan(const SramConvPlan& plan, const SramConvSpec& spec, const cases::Operands& operands,
                         int n) {
  const cuda::Stream stream;
  const size_t count = static_cast<size_t>(n * spec.shape.outputs());
  const DeviceBuffer<uint8_t> q(operands.q.data(), operands.q.size());
  std::vector<DeviceBuffer<double>> s;
  std::vector<SramOutput> outputs(spec.adcs.size());
  for (SramOutput& output : outputs) output.s = s.emplace_back(count).data();
  plan.run(q.data(), n, outputs);
  SRAMSIM_CUDA_CALL(cudaDeviceSynchronize);
  Results<double> results(s.size(), std::vector<double>(count));
  for (size_t t = 0; t < s.size(); ++t) s[t].download(results[t].data(), stream);
  return results;
}

Results<double> run_reference(const SramConvSpec& spec, const cases::Operands& operands, int n) {
  Results<double> results(spec.adcs.size(), std::vector<double>(n * spec.shape.outputs()));
  std::vector<SramOutput> outputs(spec.adcs.size());
  for (size_t t = 0; t < outputs.size(); ++t) outputs[t].s = results[t].data();
  sram_conv_reference().make(spec, operands.codes.data())->run(operands.q.data(), n, outputs);
  return results;
}

void expect_equal(const cases::SramCase& c, const std::string& what, const Results<double>& got,
                  const Results<double>& want) {
  for (size_t t = 0; t < want.size(); ++t)
    for (size_t k = 0; k < want[t].size(); ++k)
      ASSERT_EQ(got[t][k], want[t][k])
          << what << ", converter " << t << ", element " << k << "\n  " << cases::text_of(c);
}

/// Every kernel and converter form that accepts all converters of the case.
void check_case(const cases::SramCase& c) {
  const SramConvSpec spec = cases::make_spec(c);
  const cases::Operands operands = cases::make_operands(c);
  const Results<double> want = run_reference(spec, operands, c.n);
  for (const cuda::SramKernelInfo& info : cuda::sram_cuda_kernels())
    for (const char* form : {"", "/clamp", "/fused", "/half2", "/fma", "/table"}) {
      const std::string force = std::string(info.name) + form;
      try {
        const auto plan = cuda::plan_sram_conv_cuda(spec, operands.codes.data(), {.force = force});
        expect_equal(c, force, run_plan(*plan, spec, operands, c.n), want);
      } catch (const InputError&) {  // this kernel refuses this case
      }
    }
}

TEST(SramCuda, EveryKernelEqualsTheReferenceOnBoundaryCases) {
  SRAMSIM_NEEDS_GPU();
  for (const cases::SramCase& c : cases::boundary_cases()) check_case(c);
}

TEST(SramCuda, EveryKernelEqualsTheReferenceOnRandomCases) {
  SRAMSIM_NEEDS_GPU();
  for (uint64_t seed = 1; seed <= 300; ++seed) check_case(cases::random_case(seed));
}

TEST(SramCuda, EveryKernelEqualsTheReferenceOnImages) {
  SRAMSIM_NEEDS_GPU();
  for (uint64_t seed = 1; seed <= 60; ++seed) check_case(cases::image_case(seed));
}

TEST(SramCuda, EveryKernelEqualsTheReferenceOnWarpgroupShapes) {
  SRAMSIM_NEEDS_GPU();
  for (const cases::SramCase& c : cases::warpgroup_cases()) check_case(c);
}

TEST(SramCuda, EveryKernelEqualsTheReferenceWhereTilesDifferInWhatIsDark) {
  SRAMSIM_NEEDS_GPU();
  constexpr int kImages = 1600;  // several tiles in a row for every warpgroup of the device
  const ConvShape shape{64, 9, 9, 18, 2, 2, 1, 0};
  check_case(cases::patchy_case(shape, kImages, 64, "shape-wise", 1));
  check_case(cases::patchy_case(shape, kImages, 32, "shape-wise", 2));
  check_case(cases::patchy_case(shape, kImages, 64, "unrolled", 3));
  check_case(cases::patchy_case({300, 8, 9, 18, 1, 2, 1, 0}, kImages, 300, "shape-wise", 4));
}

TEST(SramCuda, EveryKernelEqualsTheReferenceOnSeedConv2) {
  SRAMSIM_NEEDS_GPU();
  for (int r : {16, 32, 64, 128, 256, 512})
    for (const char* mapping : {"shape-wise", "unrolled"}) {
      cases::SramCase c = cases::seed_conv2(r, 4, 0.3, 3);
      c.mapping = mapping;
      check_case(c);
    }
}

TEST(SramCuda, TheChoiceNeedsNoHelp) {
  SRAMSIM_NEEDS_GPU();
  for (uint64_t seed = 1001; seed <= 1100; ++seed) {
    const cases::SramCase c = cases::random_case(seed);
    const SramConvSpec spec = cases::make_spec(c);
    const cases::Operands operands = cases::make_operands(c);
    const auto plan = cuda::plan_sram_conv_cuda(spec, operands.codes.data());
    expect_equal(c, plan->describe(), run_plan(*plan, spec, operands, c.n),
                 run_reference(spec, operands, c.n));
  }
}

TEST(SramCuda, ReproducesTheGoldenFiles) {
  SRAMSIM_NEEDS_GPU();
  const auto cases = golden::layer_cases();
  ASSERT_GE(cases.size(), 40u);
  for (const golden::LayerCase& c : cases) {
    const auto plan = cuda::plan_sram_conv_cuda(c.spec, c.operands.codes.data());
    const Results<double> got = run_plan(*plan, c.spec, c.operands, c.n);
    for (size_t k = 0; k < c.output.size(); ++k)
      ASSERT_NEAR(got[0][k], c.output[k], 1e-9 * std::max(1.0, std::abs(c.output[k])))
          << c.name << " at " << k;
  }
}

TEST(SramCuda, ChunksAndBatchesDoNotChangeResults) {
  SRAMSIM_NEEDS_GPU();
  cases::SramCase c = cases::seed_conv2(64, 5, 0.5, 7);
  c.encoding = Encoding::kOffset;
  c.adcs = {{"uniform", 5, {}}, {"uniform", 0, {}}, {"saturating", 4, {}}};
  const SramConvSpec spec = cases::make_spec(c);
  const cases::Operands operands = cases::make_operands(c);
  const Results<double> want = run_reference(spec, operands, c.n);
  for (size_t scratch :
       {size_t{1}, size_t{200} << 10, size_t{64} << 20}) {  // one image, a few, all at a time
    const auto plan =
        cuda::plan_sram_conv_cuda(spec, operands.codes.data(), {.stream = nullptr, .scratch_bytes = scratch});
    for (int repeat = 0; repeat < 2; ++repeat)
      expect_equal(c, "chunks", run_plan(*plan, spec, operands, c.n), want);
  }
}

TEST(SramCuda, ScaledOutputsAndRealInputsEqualTheCpu) {
  SRAMSIM_NEEDS_GPU();
  cases::SramCase c = cases::seed_conv2(128, 5, 0.5, 2);
  const SramConvSpec spec = cases::make_spec(c);
  cases::Operands operands = cases::make_operands(c);
  cases::Random random(5);
  const float alpha = 2.5f, scale = act_scale_of(alpha, c.act_bits);
  std::vector<float> x(operands.q.size()), bias(c.shape.o);
  for (size_t k = 0; k < x.size(); ++k) {
    x[k] = static_cast<float>(random.unit() * 4 - 1);
    operands.q[k] = static_cast<uint8_t>(activation_code(x[k], alpha, scale));
  }
  for (float& b : bias) b = static_cast<float>(random.unit() - 0.5);
  const size_t count = static_cast<size_t>(c.n * c.shape.outputs());
  std::vector<float> want(count), got(count);
  SramOutput output;
  output.act_scale = scale;
  output.weight_scale = 31.7f;
  output.relu = true;
  output.bias = bias.data();
  output.y = want.data();
  sram_conv_reference().make(spec, operands.codes.data())->run(operands.q.data(), c.n, {&output, 1});

  const cuda::Stream stream;
  const DeviceBuffer<float> device_x(x.data(), x.size()), device_alpha(&alpha, 1),
      device_bias(bias.data(), bias.size()), y(count);
  output.bias = device_bias.data();
  output.y = y.data();
  const auto plan = cuda::plan_sram_conv_cuda(spec, operands.codes.data(), {.stream = stream.get()});
  plan->run_real(device_x.data(), device_alpha.data(), c.n, {&output, 1});
  y.download(got.data(), stream);
  for (size_t k = 0; k < count; ++k) ASSERT_EQ(got[k], want[k]) << k;
}

TEST(SramCuda, VariantsAreListedAndRefuseWithAReason) {
  SRAMSIM_NEEDS_GPU();
  const SramConvSpec spec = cases::make_spec(cases::seed_conv2(64, 5));
  ASSERT_EQ(cuda::sram_conv_cuda_variants().size(), cuda::sram_cuda_kernels().size());
  int accepting = 0;
  for (const SramConvVariant& variant : cuda::sram_conv_cuda_variants())
    accepting += variant.refuses(spec).empty();
  EXPECT_GE(accepting, 1);
  EXPECT_NE(cuda::sram_conv_cuda_variants()[0].refuses(spec).find("not lossless"), std::string::npos);
}

TEST(SramCuda, BadSpecsAreRefusedBeforeAnythingIsAllocated) {
  SramConvSpec spec = cases::make_spec(cases::seed_conv2(64, 5));
  const std::vector<int8_t> codes(spec.shape.weights());
  spec.act_bits = 9;
  EXPECT_THROW(cuda::plan_sram_conv_cuda(spec, codes.data()), InputError);
}

}  // namespace
}  // namespace sramsim
