// Everything beside the SRAM convolution, at the sizes of the seed network and a batch of 128: the exact
// integer convolution beside oneDNN's bare kernel, quantisers, pooling, loss and update. `bytes` is the
// traffic an operation cannot avoid, so that bytes/s compares with the `copy` row.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <vector>

#include "kernels/backend/backend.h"
#include "kernels/core/scratch_bytes.h"
#include "kernels/elementwise/loops.h"
#include "kernels/int_conv/int_conv.h"
#include "kernels/int_conv/onednn_int_conv.h"
#include "tests/cases.h"

namespace sramsim {
namespace {

constexpr int kBatch = 128;
constexpr int kBits = 4, kMaxQ = 15;

cases::SramCase layer(ConvShape shape) {
  cases::SramCase c;
  c.shape = shape;
  c.n = kBatch;
  return c;
}

constexpr ConvShape kConv1{1, 28, 28, 128, 3, 3, 1, 0};
constexpr ConvShape kConv2{128, 26, 26, 128, 3, 3, 1, 0};
constexpr ConvShape kFc1{4608, 1, 1, 128, 1, 1, 1, 0};

void count(benchmark::State& state, double bytes, double macs = 0) {
  const auto n = static_cast<double>(state.iterations());
  if (bytes > 0) state.counters["bytes/s"] = benchmark::Counter(n * bytes, benchmark::Counter::kIsRate);
  if (macs > 0) state.counters["MAC/s"] = benchmark::Counter(n * macs, benchmark::Counter::kIsRate);
}

double macs(const ConvShape& shape) {
  return static_cast<double>(shape.outputs()) * static_cast<double>(shape.rows()) * kBatch;
}

/// The project's exact convolution with scaled outputs; so many of the codes are not zero.
void int_conv(benchmark::State& state, ConvShape shape, double nonzero = 1.0) {
  cases::Operands operands = make_operands(layer(shape));
  cases::Random random(2);
  for (uint8_t& q : operands.q)
    if (random.unit() >= nonzero) q = 0;
  const auto plan = plan_int_conv(shape, kMaxQ, operands.codes.data());
  std::vector<float> y(static_cast<size_t>(shape.outputs()) * kBatch);
  for (auto _ : state) {
    plan->run(operands.q.data(), kBatch, {.y = y.data()});
    benchmark::DoNotOptimize(y.data());
  }
  count(state, 0, macs(shape));
}
BENCHMARK_CAPTURE(int_conv, conv1, kConv1)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(int_conv, conv2, kConv2)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(int_conv, conv2_12_percent, kConv2, 0.12)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(int_conv, conv2_3_percent, kConv2, 0.03)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(int_conv, fc1, kFc1)->UseRealTime()->Unit(benchmark::kMillisecond);

/// oneDNN's convolution alone, accumulators out, packed and allocated beforehand: what int_conv is held
/// against. u8 x s8 even where choose_int_conv() refuses it because this machine's instructions may saturate.
void onednn_conv(benchmark::State& state, ConvShape shape, IntConvMethod method) {
  const cases::Operands operands = make_operands(layer(shape));
  OneDnnIntConv conv(shape, kBatch, method);
  conv.pack(operands.codes.data());
  ScratchBytes scratch, acc;
  void* const room = scratch.reserve(conv.scratch_bytes());
  void* const out = acc.reserve(static_cast<size_t>(shape.outputs()) * kBatch * sizeof(int32_t));
  for (auto _ : state) conv.run_sums(operands.q.data(), out, room);
  count(state, 0, macs(shape));
}
BENCHMARK_CAPTURE(onednn_conv, conv2_u8s8, kConv2, IntConvMethod::kInt8)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(onednn_conv, conv2_float, kConv2, IntConvMethod::kFloat)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

/// Operands of the elementwise rows: activations of conv2's input at a batch of 128, 11 million floats.
struct Activations {
  std::unique_ptr<Backend> backend = make_cpu_backend();
  size_t count = static_cast<size_t>(kConv2.inputs()) * kBatch;
  std::vector<float> x = std::vector<float>(count), y = std::vector<float>(count);
  std::vector<uint8_t> q = std::vector<uint8_t>(count);
  float alpha = 1.0f, dalpha = 0.0f;

  Activations() {
    cases::Random random(1);
    for (float& v : x) v = static_cast<float>(random.unit()) * 1.25f;
  }
};

Activations& activations() {
  static Activations made;
  return made;
}

void copy(benchmark::State& state) {
  Activations& a = activations();
  for (auto _ : state) {
    std::memcpy(a.y.data(), a.x.data(), a.count * sizeof(float));
    benchmark::ClobberMemory();
  }
  count(state, static_cast<double>(a.count) * 8);
}
BENCHMARK(copy)->UseRealTime()->Unit(benchmark::kMillisecond);

void quantise_activations(benchmark::State& state) {
  Activations& a = activations();
  for (auto _ : state) a.backend->quantise_activations(a.x.data(), a.count, &a.alpha, kBits, a.q.data());
  count(state, static_cast<double>(a.count) * 5);
}
BENCHMARK(quantise_activations)->UseRealTime()->Unit(benchmark::kMillisecond);

void quantise_activations_backward(benchmark::State& state) {
  Activations& a = activations();
  for (auto _ : state)
    a.backend->quantise_activations_backward(a.x.data(), a.count, &a.alpha, true, a.y.data(), &a.dalpha);
  count(state, static_cast<double>(a.count) * 12);
}
BENCHMARK(quantise_activations_backward)->UseRealTime()->Unit(benchmark::kMillisecond);

/// Sums to outputs, one row of conv2's in the first-level cache; one thread.
void scale_row(benchmark::State& state, bool divides) {
  constexpr size_t kPixels = 24;
  constexpr int kChannels = 128;
  OutputScale scale = output_scale(1.5f, 12.7f);
  if (divides) scale.exact = false;
  std::vector<int32_t> acc(kPixels * kChannels);
  for (size_t k = 0; k < acc.size(); ++k) acc[k] = static_cast<int32_t>(k * 7919 % 30000) - 15000;
  std::vector<float> y(acc.size());
  for (auto _ : state) {
    elementwise_loops().scale_int(acc.data(), kPixels, kChannels, scale, nullptr, true, y.data());
    benchmark::DoNotOptimize(y.data());
  }
  count(state, static_cast<double>(acc.size()) * 8);
}
BENCHMARK_CAPTURE(scale_row, products, false);
BENCHMARK_CAPTURE(scale_row, divisions, true);

void avg_pool(benchmark::State& state) {
  Activations& a = activations();
  for (auto _ : state) a.backend->avg_pool_forward(a.x.data(), kBatch, 24, 24, 128, 4, a.y.data());
  count(state, kBatch * 24.0 * 24 * 128 * 4 * (1 + 1.0 / 16));
}
BENCHMARK(avg_pool)->UseRealTime()->Unit(benchmark::kMillisecond);

void quantise_weights(benchmark::State& state) {
  Activations& a = activations();
  const auto weights = static_cast<size_t>(kFc1.weights());
  std::vector<int8_t> codes(weights);
  float scale = 0;
  for (auto _ : state) a.backend->quantise_weights(a.x.data(), weights, kBits, codes.data(), &scale);
  count(state, static_cast<double>(weights) * 5);
}
BENCHMARK(quantise_weights)->UseRealTime()->Unit(benchmark::kMillisecond);

void sgd_step(benchmark::State& state) {
  Activations& a = activations();
  const auto weights = static_cast<size_t>(kFc1.weights());
  std::vector<float> w(weights), m(weights);
  for (auto _ : state) a.backend->sgd_step(w.data(), a.x.data(), m.data(), weights, 0.1f, 0.9f, 0.0f);
  count(state, static_cast<double>(weights) * 20);
}
BENCHMARK(sgd_step)->UseRealTime()->Unit(benchmark::kMillisecond);

void softmax_cross_entropy(benchmark::State& state) {
  Activations& a = activations();
  const std::vector<uint8_t> labels(kBatch, 3);
  float loss = 0;
  int32_t correct = 0;
  for (auto _ : state)
    a.backend->softmax_cross_entropy(a.x.data(), labels.data(), kBatch, 10, &loss, a.y.data(), &correct);
}
BENCHMARK(softmax_cross_entropy)->UseRealTime()->Unit(benchmark::kMillisecond);

/// The statistics of `infer`: every partial sum of 16 images counted.
void partial_sums_counted(benchmark::State& state) {
  cases::SramCase c = cases::seed_conv2(64, 5, 0.1, 16);
  const SramConvSpec spec = make_spec(c);
  const cases::Operands operands = make_operands(c);
  std::vector<uint64_t> counts(size_t{spec.p_max()} + 1);
  for (auto _ : state) partial_sum_histogram(spec, operands.codes.data(), operands.q.data(), c.n, counts);
}
BENCHMARK(partial_sums_counted)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sramsim

BENCHMARK_MAIN();
