// Trained networks on MNIST, 64 rows and 5-bit converters, all threads: conv2 alone on the codes that really
// reach it, and the whole network. Every checkpoint of models/ is a row, because the time depends on how many
// activation bits are set; `bits set` is that share.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bench/aligned.h"
#include "bench/registered_main.h"
#include "datasets/idx.h"
#include "host/infer/evaluate.h"
#include "host/model/network.h"
#include "kernels/backend/backend.h"

namespace sramsim {
namespace {

constexpr int kImages = 64;
constexpr int64_t kNetworkImages = 512;
ArraySettings arrays() {
  ArraySettings settings;  // 5-bit converters are the default
  settings.subarray = 64;
  return settings;
}

struct Trained {
  std::unique_ptr<Backend> backend = make_cpu_backend();
  Dataset data = load_idx(std::string(SRAMSIM_SOURCE_DIR) + "/datasets/mnist", Split::kTest);
  QuantisedNetwork network;
  explicit Trained(const std::string& checkpoint) : network(*backend, load_checkpoint(checkpoint)) {}

  /// The codes that enter conv2 for the first images, through an exact conv1.
  std::vector<uint8_t> conv2_codes() {
    const auto& layers = network.layers();
    const auto pixels = static_cast<size_t>(layers[0].shape.inputs()) * kImages;
    const auto outputs = static_cast<size_t>(layers[0].shape.outputs()) * kImages;
    std::vector<float> x(pixels), y(outputs);
    std::vector<uint8_t> q(pixels), codes(outputs);
    backend->bytes_to_unit(data.images.data(), pixels, x.data());
    backend->quantise_activations(x.data(), pixels, layers[0].act_alpha.data(), network.act_bits(), q.data());
    const auto conv1 =
        plan_sram_conv(make_layer_spec(network, 0, std::nullopt), layers[0].codes.data(), "integer");
    const std::array<SramOutput, 1> out{SramOutput{.y = y.data(),
                                                   .act_scale = layers[0].act_scale,
                                                   .weight_scale = layers[0].weight_scale,
                                                   .relu = true}};
    conv1->run(q.data(), kImages, out);
    backend->quantise_activations(y.data(), outputs, layers[1].act_alpha.data(), network.act_bits(),
                                  codes.data());
    return codes;
  }
};

double bits_set(const std::vector<uint8_t>& codes, int bits) {
  double set = 0;
  for (const uint8_t q : codes) set += std::popcount(q);
  return set / (static_cast<double>(codes.size()) * bits);
}

void count_images(benchmark::State& state, int64_t per_iteration) {
  const auto images = static_cast<double>(state.iterations() * per_iteration);
  state.counters["time/image"] =
      benchmark::Counter(images, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void conv2(benchmark::State& state, const std::string& checkpoint) {
  Trained trained(checkpoint);
  const SramConvSpec spec = make_layer_spec(trained.network, 1, arrays());
  const auto codes = trained.conv2_codes();
  const auto plan = plan_sram_conv(spec, trained.network.layers()[1].codes.data());
  const auto q = aligned_copy(codes);
  const AlignedArray<float> y(static_cast<size_t>(spec.shape.outputs()) * kImages);
  const std::array<SramOutput, 1> out{SramOutput{.y = y.get()}};
  for (auto _ : state) {
    plan->run(q.get(), kImages, out);
    benchmark::DoNotOptimize(y.get());
  }
  count_images(state, kImages);
  state.counters["bits set"] = bits_set(codes, trained.network.act_bits());
}

void network(benchmark::State& state, const std::string& checkpoint) {
  Trained trained(checkpoint);
  EvaluateOptions options;
  options.limit = kNetworkImages;
  const std::vector<DesignPoint> points{uniform_point(trained.network, arrays(), false)};
  for (auto _ : state)
    benchmark::DoNotOptimize(evaluate(*trained.backend, trained.network, trained.data, points, options));
  count_images(state, kNetworkImages);
}

void add_all() {
  std::vector<std::filesystem::path> checkpoints;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(SRAMSIM_SOURCE_DIR) + "/models"))
    if (entry.path().extension() == ".safetensors") checkpoints.push_back(entry.path());
  std::sort(checkpoints.begin(), checkpoints.end());
  const auto add = [](const char* what, auto function, const std::filesystem::path& path) {
    const std::string name = fmt::format("{}/{}/R:64/adc:5", what, path.stem().string());
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& s) { function(s, path.string()); })
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  };
  for (const auto& path : checkpoints) {
    add("conv2", conv2, path);
    add("network", network, path);
  }
}

}  // namespace
}  // namespace sramsim

int main(int argc, char** argv) {
  return sramsim::run_benches(argc, argv, sramsim::add_all);
}
