// How the time of one SRAM convolution grows: conv2 of the seed network with one size varied at a time,
// fastest kernel of this machine, dense bits, all threads. `ps/conv` stays flat where the growth is linear.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "bench/aligned.h"
#include "bench/registered_main.h"
#include "kernels/sram_conv/sram_conv.h"
#include "tests/cases.h"

namespace sramsim {
namespace {

void convolve(benchmark::State& state, const cases::SramCase& c) {
  const SramConvSpec spec = make_spec(c);
  const cases::Operands operands = make_operands(c);
  const auto plan = plan_sram_conv(spec, operands.codes.data());
  const auto outputs = static_cast<size_t>(spec.shape.outputs()) * static_cast<size_t>(c.n);
  const auto q = aligned_copy(operands.q);
  std::vector<AlignedArray<float>> y;
  std::vector<SramOutput> out;
  for (size_t t = 0; t < spec.adcs.size(); ++t) out.push_back({.y = y.emplace_back(outputs).get()});
  for (auto _ : state) {
    plan->run(q.get(), c.n, out);
    benchmark::DoNotOptimize(y.front().get());
  }
  const double conversions = static_cast<double>(state.iterations()) *
                             static_cast<double>(spec.conversions()) * c.n *
                             static_cast<double>(spec.adcs.size());
  state.counters["ps/conv"] =
      benchmark::Counter(conversions * 1e-12, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void add(const std::string& name, const cases::SramCase& c) {
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { convolve(state, c); })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

void add_all() {
  const cases::SramCase base = cases::seed_conv2(64, 5, 0.5, 8);
  const auto with = [&](auto change) {
    cases::SramCase c = base;
    change(c);
    return c;
  };
  for (int n : {1, 2, 4, 8, 16, 32, 64}) add(fmt::format("images/{}", n), with([&](auto& c) { c.n = n; }));
  for (int bits = 1; bits <= 8; ++bits)
    add(fmt::format("act_bits/{}", bits), with([&](auto& c) { c.act_bits = bits; }));
  for (int bits = 2; bits <= 8; ++bits)
    add(fmt::format("weight_bits/{}", bits), with([&](auto& c) { c.weight_bits = bits; }));
  for (int rows : {8, 16, 32, 64, 128, 256, 512})
    add(fmt::format("subarray/{}", rows), with([&](auto& c) { c.subarray = rows, c.mapping = "unrolled"; }));
  for (int channels : {16, 32, 64, 128, 256, 512})
    add(fmt::format("channels/{}", channels),
        with([&](auto& c) { c.shape.c = c.shape.o = channels, c.n = 2; }));
  for (int adcs : {1, 2, 4, 8})
    add(fmt::format("adcs_fused/{}", adcs), with([&](auto& c) {
          c.adcs.clear();
          for (int k = 0; k < adcs; ++k) c.adcs.push_back({k % 2 ? "saturating" : "uniform", 2 + k / 2, {}});
        }));
  for (const char* mapping : {"shape-wise", "unrolled", "whole-kernel"})
    add(fmt::format("mapping/{}", mapping), with([&](auto& c) { c.mapping = mapping; }));
  for (const auto& [name, encoding] : {std::pair{"twos-complement", Encoding::kTwosComplement},
                                       {"differential", Encoding::kDifferential},
                                       {"offset", Encoding::kOffset}})
    add(fmt::format("encoding/{}", name), with([e = encoding](auto& c) { c.encoding = e; }));
  for (int bits : {1, 2, 4}) add(fmt::format("dac_bits/{}", bits), with([&](auto& c) { c.dac_bits = bits; }));
}

}  // namespace
}  // namespace sramsim

int main(int argc, char** argv) {
  return sramsim::run_benches(argc, argv, sramsim::add_all);
}
