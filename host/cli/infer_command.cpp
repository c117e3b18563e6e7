// sramsim infer: one design point beside the ideal network, with the statistics of its layers.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "host/cli/array_options.h"
#include "host/cli/commands.h"
#include "host/cli/common.h"
#include "host/cli/network_options.h"
#include "host/formats/atomic_file.h"
#include "host/formats/npy.h"
#include "host/sweep/array_axes.h"
#include "host/util/memory.h"
#include "host/util/progress.h"
#include "host/util/table.h"
#include "host/util/version.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

struct InferOptions {
  CommonOptions common;
  NetworkOptions network;
  ArrayOptions array;
  bool map_linear = false;
  int wbits = 0, abits = 0;
  int64_t stats_images = 16;
  std::string json, logits, histograms;
};

struct Outcome {
  PointResult simulated, ideal;
  double seconds = 0.0;
};

Outcome run(Backend& backend, const InferOptions& options, const QuantisedNetwork& network,
            const ImageSet& images, const ArraySettings& array) {
  EvaluateOptions evaluation = evaluate_options(options.network);
  evaluation.stats_images = options.stats_images;
  evaluation.logits = !options.logits.empty();
  evaluation.verbose = options.common.verbose;
  evaluation.note = print_note;
  Progress progress("infer", "images", 1, !options.common.quiet);
  evaluation.progress = [&](int64_t done, int64_t total) { progress.update(done, total); };
  const auto start = std::chrono::steady_clock::now();
  auto results =
      evaluate(backend, network, images,
               {uniform_point(network, array, options.map_linear), ideal_point(network)}, evaluation);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return {std::move(results[0]), std::move(results[1]), seconds.count()};
}

nlohmann::json settings_json(const InferOptions& options, const QuantisedNetwork& network,
                             const ArraySettings& array) {
  nlohmann::json j = {
      {"wbits", network.weight_bits()}, {"abits", network.act_bits()}, {"map_linear", options.map_linear}};
  for (const ArrayAxis& axis : array_axes()) {
    std::string name = axis.name;
    std::replace(name.begin(), name.end(), '-', '_');
    j[name] = axis.numeric ? nlohmann::json::parse(axis.text(array)) : nlohmann::json(axis.text(array));
  }
  return j;
}

void write_json(const InferOptions& options, const QuantisedNetwork& network, const ArraySettings& array,
                const std::string& device, const Outcome& outcome) {
  const nlohmann::json j = {{"accuracy", outcome.simulated.accuracy()},
                            {"ideal_accuracy", outcome.ideal.accuracy()},
                            {"images", outcome.simulated.images},
                            {"seconds", outcome.seconds},
                            {"peak_memory_bytes", peak_memory_bytes()},
                            {"device", device},
                            {"network", network.spec().name},
                            {"checkpoint", options.network.checkpoint},
                            {"dataset_dir", options.network.dataset_dir},
                            {"settings", settings_json(options, network, array)},
                            {"layers", outcome.simulated.layers},
                            {"version", version_line()}};
  write_atomically(options.json, j.dump(2) + "\n");
}

void write_logits(const std::string& path, const PointResult& result, int classes) {
  HostTensor tensor = make_tensor(DType::kF32, {result.images, classes});
  std::memcpy(tensor.bytes.data(), result.logits.data(), tensor.bytes.size());
  write_npy(path, tensor);
}

/// Images that the layer statistics were taken on.
int64_t counted_images(const std::vector<LayerStatistics>& layers) {
  int64_t counted = 0;
  for (const LayerStatistics& s : layers) counted = std::max(counted, s.images);
  return counted;
}

std::string layer_table(const std::vector<LayerStatistics>& layers) {
  const bool counted = counted_images(layers) > 0;
  std::vector<std::string> header = {"layer",         "computed",          "row groups", "rows used",
                                     "utilisation %", "conversions/image", "kernel"};
  if (counted)
    header.insert(header.end(), {"bits set %", "largest P", "saturated %", "RMS error LSB", "RMS error"});
  TextTable table(header);
  for (const LayerStatistics& s : layers) {
    std::vector<std::string> row = {s.layer, "digital", "", "", "", "", s.kernel};
    if (s.on_arrays)
      row = {s.layer,
             "arrays",
             std::to_string(s.row_groups),
             fmt::format("{} of {}", s.largest_group, s.subarray_rows),
             fmt::format("{:.1f}", s.utilisation * 100),
             group_digits(s.conversions_per_image),
             s.kernel};
    if (counted) row.push_back(fmt::format("{:.1f}", s.input_bit_density * 100));
    if (s.histogram_images > 0)
      row.insert(row.end(),
                 {std::to_string(s.largest_partial_sum), fmt::format("{:.3f}", s.saturation_rate * 100),
                  fmt::format("{:.3f}", s.rms_error_lsb), fmt::format("{:.3f}", s.rms_error)});
    row.resize(header.size());
    table.add(std::move(row));
  }
  return table.str();
}

void print_summary(const InferOptions& options, const QuantisedNetwork& network, const ArraySettings& array,
                   const std::string& device, const Outcome& outcome) {
  const PointResult& r = outcome.simulated;
  fmt::print("network   {} from {}, {}-bit weights, {}-bit activations\n", network.spec().name,
             options.network.checkpoint, network.weight_bits(), network.act_bits());
  fmt::print("arrays    {}; linear layers {}\n", describe(array),
             options.map_linear ? "on arrays too" : "digital");
  fmt::print("device    {}\n", device);
  fmt::print(
      "images    {} from {} in {:.2f} s ({:.0f} images/s, simulated and ideal together), {:.0f} MiB at "
      "most\n\n",
      r.images, options.network.dataset_dir, outcome.seconds, static_cast<double>(r.images) / outcome.seconds,
      static_cast<double>(peak_memory_bytes()) / (1 << 20));
  fmt::print("accuracy  {:.2f} %  simulated arrays\n", r.accuracy() * 100);
  fmt::print("          {:.2f} %  ideal, every layer exact\n\n", outcome.ideal.accuracy() * 100);
  fmt::print("{}", layer_table(r.layers));
  const int64_t counted = counted_images(r.layers);
  if (counted > 0)
    fmt::print(
        "bits set (of the input), largest P, saturated and RMS errors over the first {} image{}; P = partial "
        "sum, LSB = one ADC step\n",
        counted, counted == 1 ? "" : "s");
}

void infer(const InferOptions& options) {
  const ArraySettings array = options.array.settings();
  check_outputs(
      {{"--json", options.json}, {"--logits", options.logits}, {"--histograms", options.histograms}},
      {{"--checkpoint", options.network.checkpoint}, {"--config", options.common.config}});
  if (!options.histograms.empty() && options.stats_images == 0)
    throw InputError("--histograms: needs --stats-images above 0, the images that are counted");
  const Checkpoint checkpoint = load_network(options.network);
  const auto images = open_test_images(options.network);
  const auto backend = make_backend(options.common);
  const QuantisedNetwork network(*backend, checkpoint, options.wbits, options.abits);
  const std::string device = backend->describe();

  const Outcome outcome = run(*backend, options, network, *images, array);
  if (!options.logits.empty()) write_logits(options.logits, outcome.simulated, network.spec().classes);
  if (!options.histograms.empty())
    write_atomically(options.histograms, to_csv(outcome.simulated.partial_sums));
  if (!options.json.empty()) write_json(options, network, array, device, outcome);
  if (!options.common.quiet) print_summary(options, network, array, device, outcome);
}

}  // namespace

void add_infer_command(CLI::App& app) {
  auto options = std::make_shared<InferOptions>();
  CLI::App* command = add_command(
      app, "infer",
      "accuracy of a trained network on subarrays, beside the ideal one, with statistics per layer");
  add_network_options(*command, options->network);
  command
      ->add_option("--wbits", options->wbits,
                   "weight bits B, 2..8; 0 takes the checkpoint's (4 if it has none)")
      ->type_name("BITS");
  command
      ->add_option("--abits", options->abits,
                   "activation bits A, 1..8; 0 takes the checkpoint's (4 if it has none)")
      ->type_name("BITS");
  add_array_options(*command, options->array);
  command
      ->add_flag("--map-linear", options->map_linear,
                 "put linear layers on subarrays too; else they are digital")
      ->group("Subarrays");
  command
      ->add_option("--stats-images", options->stats_images,
                   "take the layers' statistics (input bits set, saturation, RMS error) on so many first "
                   "images; 0 takes none")
      ->check(whole_number())
      ->type_name("N")
      ->group("Output");
  command
      ->add_option("--json", options->json,
                   "write the result as JSON: accuracy, ideal_accuracy, images, seconds, "
                   "device, layers, settings")
      ->type_name("FILE")
      ->group("Output");
  command->add_option("--logits", options->logits, "write the simulated logits, float32 [N,classes]")
      ->type_name("FILE.npy")
      ->group("Output");
  command
      ->add_option("--histograms", options->histograms,
                   "write how often each partial sum occurred on the --stats-images, per layer on subarrays: "
                   "layer, partial_sum, count, code, step, full_scale")
      ->type_name("FILE.csv")
      ->group("Output");
  add_engine_options(*command, options->network);
  add_common_options(*command, options->common);
  command->callback([options] { infer(*options); });
}

}  // namespace sramsim
