// sramsim layer: one layer on raw codes, the bridge to other tools.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "host/cli/array_options.h"
#include "host/cli/commands.h"
#include "host/cli/common.h"
#include "host/formats/npy.h"
#include "host/util/interrupt.h"
#include "host/util/layout.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

struct LayerOptions {
  CommonOptions common;
  ArrayOptions array;
  std::string input, weight, output;
  int abits = 4, wbits = 4;
  int stride = 1, padding = 0;
  int batch = 64;
  std::string kernel;
};

HostTensor read_codes(const std::string& option, const std::string& path, DType dtype, const char* layout) {
  HostTensor t = read_npy(path);
  std::string shape;
  for (const int64_t d : t.shape) shape += (shape.empty() ? "" : ",") + std::to_string(d);
  if (t.dtype != dtype || t.shape.size() != 4)
    throw InputError(fmt::format("{} {}: must be {} {}, is {} [{}]", option, path, dtype_name(dtype), layout,
                                 dtype_name(t.dtype), shape));
  constexpr int64_t kMaxSide = 1 << 20;
  if (t.count() == 0 || *std::max_element(t.shape.begin(), t.shape.end()) > kMaxSide)
    throw InputError(
        fmt::format("{} {}: the shape [{}] is empty or beyond {} on a side", option, path, shape, kMaxSide));
  return t;
}

void check_input_codes(const LayerOptions& options, const HostTensor& input) {
  const int most = (1 << options.abits) - 1;
  const uint8_t* q = input.as<uint8_t>();
  const uint8_t* bad = std::find_if(q, q + input.count(), [most](uint8_t code) { return code > most; });
  if (bad != q + input.count())
    throw InputError(fmt::format("--input {}: code {} at element {} does not fit --abits {} (largest {})",
                                 options.input, *bad, bad - q, options.abits, most));
}

ConvShape layer_shape(const LayerOptions& options, const HostTensor& input, const HostTensor& weight) {
  const auto side = [](const HostTensor& t, int d) {
    return static_cast<int>(t.shape[static_cast<size_t>(d)]);
  };
  ConvShape shape{side(input, 1),  side(input, 2),  side(input, 3), side(weight, 0),
                  side(weight, 2), side(weight, 3), options.stride, options.padding};
  if (side(weight, 1) != shape.c)
    throw InputError(fmt::format("--weight {}: takes {} channels, --input {} has {}", options.weight,
                                 side(weight, 1), options.input, shape.c));
  if (shape.h + 2 * shape.padding < shape.kh || shape.w + 2 * shape.padding < shape.kw)
    throw InputError(fmt::format(
        "--weight {}: the {}x{} kernel is larger than the padded {}x{} image of --input {}", options.weight,
        shape.kh, shape.kw, shape.h + 2 * shape.padding, shape.w + 2 * shape.padding, options.input));
  return shape;
}

/// S of all images [N,O,OH,OW], step by step, so that the device holds one step only.
HostTensor simulate(Backend& backend, const SramConvPlan& plan, const ConvShape& shape,
                    const HostTensor& input, int batch) {
  const int64_t n = input.shape[0];
  const int64_t image = shape.inputs(), result = shape.outputs();
  const int step = static_cast<int>(std::min<int64_t>(batch, n));
  HostTensor s = make_tensor(DType::kF64, {n, shape.o, shape.out_h(), shape.out_w()});
  std::vector<uint8_t> q(static_cast<size_t>(step * image));
  std::vector<double> y(static_cast<size_t>(step * result));
  DeviceArray<uint8_t> device_q(backend, q.size());
  DeviceArray<double> device_y(backend, y.size());
  for (int64_t first = 0; first < n; first += step) {
    throw_if_interrupted();
    const int64_t count = std::min<int64_t>(step, n - first);
    to_channels_last(input.as<uint8_t>() + first * image, count, shape.c, int64_t{shape.h} * shape.w,
                     q.data());
    backend.upload(device_q.data(), q.data(), static_cast<size_t>(count * image));
    const SramOutput output{.s = device_y.data()};
    plan.run(device_q.data(), static_cast<int>(count), {&output, 1});
    backend.download(y.data(), device_y.data(), static_cast<size_t>(count * result) * sizeof(double));
    to_channels_first(y.data(), count, shape.o, int64_t{shape.out_h()} * shape.out_w(),
                      s.as<double>() + first * result);
  }
  return s;
}

void layer(const LayerOptions& options) {
  const ArraySettings array = options.array.settings();
  check_outputs(
      {{"--output", options.output}},
      {{"--input", options.input}, {"--weight", options.weight}, {"--config", options.common.config}});
  const HostTensor input = read_codes("--input", options.input, DType::kU8, "[N,I,H,W]");
  const HostTensor weight = read_codes("--weight", options.weight, DType::kI8, "[O,I,KH,KW]");
  check_input_codes(options, input);
  const ConvShape shape = layer_shape(options, input, weight);
  std::vector<int8_t> codes(static_cast<size_t>(shape.weights()));
  to_channels_last(weight.as<int8_t>(), shape.o, shape.c, shape.positions(), codes.data());

  const auto backend = make_backend(options.common);
  const SramConvSpec spec = make_sram_spec(shape, options.abits, options.wbits, array);
  std::string kernel;
  std::unique_ptr<SramConvPlan> plan;
  try {
    plan = backend->plan_sram_conv(spec, codes.data(), options.kernel, &kernel);
  } catch (const InputError& e) {
    throw InputError(fmt::format("--weight {}: {}", options.weight, e.what()));
  }
  if (options.common.verbose && !plan->describe().empty()) print_note("kernel " + plan->describe());
  write_npy(options.output, simulate(*backend, *plan, shape, input, options.batch));
  if (!options.common.quiet)
    fmt::print("{}: S float64 [{},{},{},{}], {} ADC conversions per image, {} row groups, kernel {} on {}\n",
               options.output, input.shape[0], shape.o, shape.out_h(), shape.out_w(), spec.conversions(),
               spec.rows.groups(), kernel, backend->describe());
}

}  // namespace

void add_layer_command(CLI::App& app) {
  auto options = std::make_shared<LayerOptions>();
  CLI::App* command = add_command(app, "layer", "one layer on raw codes in .npy files: q, c -> S");
  command->add_option("--input", options->input, "activation codes q, uint8 [N,I,H,W]")
      ->required()
      ->type_name("FILE.npy");
  command->add_option("--weight", options->weight, "weight codes c, int8 [O,I,KH,KW]")
      ->required()
      ->type_name("FILE.npy");
  command->add_option("--output", options->output, "results S, float64 [N,O,OH,OW]")
      ->required()
      ->type_name("FILE.npy");
  command->add_option("--abits", options->abits, "activation bits A")
      ->check(CLI::Range(1, 8))
      ->type_name("BITS");
  command->add_option("--wbits", options->wbits, "weight bits B")->check(CLI::Range(2, 8))->type_name("BITS");
  command->add_option("--stride", options->stride, "steps of the window, pixels")
      ->check(CLI::Range(1, 1 << 20))
      ->type_name("N");
  command->add_option("--padding", options->padding, "zeros on each side, pixels")
      ->check(CLI::Range(0, 1 << 20))
      ->type_name("N");
  add_array_options(*command, options->array);
  command->add_option("--batch", options->batch, "images per step: memory and speed, never the results")
      ->check(CLI::Range(1, 65536))
      ->type_name("N")
      ->group("Run");
  add_kernel_option(*command, options->kernel);
  add_common_options(*command, options->common);
  command->callback([options] { layer(*options); });
}

}  // namespace sramsim
