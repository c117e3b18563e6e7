// One training step of the seed network, W4A4, by batch size and by how the convolution gradients are formed.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "datasets/idx.h"
#include "host/train/training_network.h"
#include "kernels/core/error.h"
#include "models/seed_network.h"

namespace sramsim {
namespace {

void step(benchmark::State& state, const std::string& algorithm) {
  const int batch = static_cast<int>(state.range(0));
  static const Dataset data = load_idx(std::string(SRAMSIM_SOURCE_DIR) + "/datasets/mnist", Split::kTest);
  const auto backend = make_cpu_backend();
  TrainingNetwork network(*backend, seed_network(),
                          {.max_batch = batch, .conv_backward = parse_conv_backward(algorithm)});
  const auto one_step = [&](uint64_t number) {
    network.train_step(batch, number, {.lr = 0.01f});
    backend->synchronise();
  };
  try {
    network.calibrate_alphas(data.images.data(), batch);
    backend->upload(network.batch_labels(), data.labels.data(), static_cast<size_t>(batch));
    one_step(0);
  } catch (const InputError& e) {
    return state.SkipWithError(e.what());  // not on this CPU
  }
  uint64_t number = 1;
  for (auto _ : state) one_step(number++);
  state.counters["images/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * batch, benchmark::Counter::kIsRate);
}

void arguments(benchmark::internal::Benchmark* b) {
  b->Arg(128)->UseRealTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK_CAPTURE(step, auto, "auto") -> Apply(arguments) -> Arg(32);
BENCHMARK_CAPTURE(step, direct, "direct")->Apply(arguments);
BENCHMARK_CAPTURE(step, winograd, "winograd")->Apply(arguments);
BENCHMARK_CAPTURE(step, bf16, "bf16")->Apply(arguments);

}  // namespace
}  // namespace sramsim

BENCHMARK_MAIN();
