// One SRAM convolution, conv2 of the seed network, W4A4: every variant of this machine, subarray size, ADC
// resolution and bit density. Images come in batches of 8 over all threads; `conv/s` counts ADC conversions.
// A variant is compared with the reference on one output before it is timed.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "bench/aligned.h"
#include "bench/registered_main.h"
#include "kernels/sram_conv/sram_conv.h"
#include "tests/cases.h"

namespace sramsim {
namespace {

constexpr int kImages = 8;

/// Equal in every bit to the reference on a strip of the same layer, small enough for the scalar loops.
bool equals_reference(const std::string& variant, cases::SramCase c) {
  c.shape.h = 4, c.shape.w = 6;
  c.n = 1;
  const SramConvSpec spec = make_spec(c);
  const cases::Operands operands = make_operands(c);
  std::array<std::vector<double>, 2> sums;
  for (int k = 0; k < 2; ++k) {
    sums[k].resize(static_cast<size_t>(spec.shape.outputs()));
    const std::array<SramOutput, 1> out{SramOutput{.s = sums[k].data()}};
    plan_sram_conv(spec, operands.codes.data(), k == 0 ? variant : "reference")
        ->run(operands.q.data(), 1, out);
  }
  return sums[0] == sums[1];
}

void conv2(benchmark::State& state, const std::string& variant, int subarray, int adc_bits, double density) {
  const cases::SramCase c = cases::seed_conv2(subarray, adc_bits, density, kImages);
  if (!equals_reference(variant, c)) return state.SkipWithError("differs from the reference");
  const SramConvSpec spec = make_spec(c);
  const cases::Operands operands = make_operands(c);
  const auto plan = plan_sram_conv(spec, operands.codes.data(), variant);
  const auto q = aligned_copy(operands.q);
  const AlignedArray<float> y(static_cast<size_t>(kImages * spec.shape.outputs()));
  const std::array<SramOutput, 1> out{SramOutput{.y = y.get()}};
  for (auto _ : state) {
    plan->run(q.get(), kImages, out);
    benchmark::DoNotOptimize(y.get());
  }
  const auto images = static_cast<double>(state.iterations()) * kImages;
  state.counters["time/image"] =
      benchmark::Counter(images, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["conv/s"] =
      benchmark::Counter(images * static_cast<double>(spec.conversions()), benchmark::Counter::kIsRate);
}

void add(const std::string& variant, int subarray, int adc_bits, double density) {
  const SramConvSpec spec = make_spec(cases::seed_conv2(subarray, adc_bits));
  for (const SramConvVariant& v : sram_conv_variants())
    if (variant == v.name && !v.refuses(spec).empty()) return;  // not on this machine, or not this problem
  const std::string name = variant + "/R:" + std::to_string(subarray) + "/adc:" + std::to_string(adc_bits) +
                           "/density:" + std::to_string(static_cast<int>(density * 100)) + "%";
  benchmark::RegisterBenchmark(
      name.c_str(), [=](benchmark::State& state) { conv2(state, variant, subarray, adc_bits, density); })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

void add_all() {
  for (const SramConvVariant& v : sram_conv_variants()) {
    const std::string variant = v.name;
    if (variant == "reference") continue;  // minutes per image
    for (int subarray : {16, 32, 64, 128, 256, 512})
      for (double density : {0.5, 0.25, 0.02}) add(variant, subarray, 5, density);
    for (int adc_bits : {1, 2, 3, 4, 6, 7, 8}) add(variant, 64, adc_bits, 0.5);
    add(variant, 64, 0, 0.5);
  }
}

}  // namespace
}  // namespace sramsim

int main(int argc, char** argv) {
  return sramsim::run_benches(argc, argv, sramsim::add_all);
}
