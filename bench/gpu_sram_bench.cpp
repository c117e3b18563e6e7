// Rates of the CUDA kernels of the SRAM convolution on conv2 of the seed network (128 -> 128 channels, 3x3,
// 24x24 outputs, W4A4), beside two yardsticks of the same run: a device-wide copy and an 8-bit matrix
// product.
//
//   gpu_sram_bench [--images N] [--repeats K] [--quick] [--density D] [--subarray R] [--kernel NAME] [--json
//   FILE]
//
// Every configuration is verified on its first and last image against the CPU's kernel, which the tests hold
// to the scalar reference, before it is timed. Times are medians of event-timed runs from codes to scaled
// outputs, packing included. "roofline" is the share of the smaller of two limits at the measured clock: 128
// lanes per multiprocessor at 1.59 issue slots per conversion (the packed-half form), and 17.7 k bit-MAC per
// clock and multiprocessor (mma m16n8k256); both are derived figures.
#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "bench/gpu_clock.h"
#include "kernels/cuda/device_memory.h"
#include "kernels/cuda/device_probe.h"
#include "kernels/sram_conv/sram_conv_cuda.h"
#include "kernels/sram_conv/variants.h"
#include "sramsim_version.h"
#include "tests/cases.h"

namespace sramsim {
namespace {

using cuda::DeviceBuffer;
using cuda::Stream;

constexpr double kSlotsPerConversion = 1.59, kBitMacsPerClock = 17.7e3, kLanes = 128;

struct Options {
  int images = 512, repeats = 15;
  bool quick = false;
  double density = 0.5;
  int subarray = 0;
  std::string kernel, json;
};

/// Median seconds of `repeats` runs after two warm-up runs.
double median_seconds(const Stream& stream, int repeats, const std::function<void()>& work) {
  std::vector<double> seconds;
  for (int k = -2; k < repeats; ++k) {
    cuda::Event start, end;
    start.record(stream.get());
    work();
    end.record(stream.get());
    end.synchronise();
    if (k >= 0) seconds.push_back(end.seconds_since(start));
  }
  std::nth_element(seconds.begin(), seconds.begin() + seconds.size() / 2, seconds.end());
  return seconds[seconds.size() / 2];
}

/// Bytes per second read and written by a device-wide copy.
double copy_bandwidth(const Stream& stream, int repeats) {
  const size_t bytes = size_t{1} << 30;
  const DeviceBuffer<std::byte> from(bytes), to(bytes);
  return 2.0 * static_cast<double>(bytes) / median_seconds(stream, repeats, [&] {
           SRAMSIM_CUDA_CALL(cudaMemcpyAsync, to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice,
                             stream.get());
         });
}

/// Multiply-adds per second of an 8192^3 product of 8-bit integers by cuBLAS; 0 if it refuses.
double int8_product_rate(const Stream& stream, int repeats) {
  constexpr int kSide = 8192;
  std::vector<int8_t> numbers(size_t{kSide} * kSide);  // random: equal numbers draw less power and run faster
  cases::Random random(1);
  for (int8_t& number : numbers) number = static_cast<int8_t>(random.next());
  const DeviceBuffer<int8_t> a(numbers.data(), numbers.size()), b(numbers.data(), numbers.size());
  const DeviceBuffer<int32_t> c(size_t{kSide} * kSide);
  cublasHandle_t handle = nullptr;
  if (cublasCreate(&handle) != CUBLAS_STATUS_SUCCESS) return 0;
  cublasSetStream(handle, stream.get());
  const int32_t one = 1, zero = 0;
  cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
  const double seconds = median_seconds(stream, repeats, [&] {
    status = cublasGemmEx(handle, CUBLAS_OP_T, CUBLAS_OP_N, kSide, kSide, kSide, &one, a.data(), CUDA_R_8I,
                          kSide, b.data(), CUDA_R_8I, kSide, &zero, c.data(), CUDA_R_32I, kSide,
                          CUBLAS_COMPUTE_32I, CUBLAS_GEMM_DEFAULT);
  });
  cublasDestroy(handle);
  return status == CUBLAS_STATUS_SUCCESS ? static_cast<double>(kSide) * kSide * kSide / seconds : 0;
}

/// The images of one bit density, on the host and on the device.
struct Images {
  cases::Operands operands;
  DeviceBuffer<uint8_t> q;
  explicit Images(const cases::SramCase& c)
      : operands(cases::make_operands(c)), q(operands.q.data(), operands.q.size()) {}
};

/// Configurations on the device: each is verified, timed and printed.
class Bench {
 public:
  Bench(const Options& options, const Stream& stream) : options_(options), stream_(stream) {
    SRAMSIM_CUDA_CALL(cudaDeviceGetAttribute, &processors_, cudaDevAttrMultiProcessorCount, 0);
  }

  /// Adds a row, or nothing if the forced kernel refuses or the options leave it out.
  void add(const cases::SramCase& one_image, const std::string& force) {
    if (options_.subarray > 0 && one_image.subarray != options_.subarray) return;
    if (!options_.kernel.empty() && force.rfind(options_.kernel, 0) != 0) return;
    const SramConvSpec spec = cases::make_spec(one_image);
    const Images& images = images_of(one_image);
    std::unique_ptr<cuda::SramConvCudaPlan> plan;
    try {
      plan = cuda::plan_sram_conv_cuda(spec, images.operands.codes.data(),
                                       {.stream = stream_.get(), .force = force});
    } catch (const InputError&) {
      return;
    }
    const DeviceBuffer<float> y(static_cast<size_t>(options_.images * spec.shape.outputs()));
    SramOutput output;
    output.y = y.data();
    output.act_scale = 1.5f;
    output.weight_scale = 20.0f;
    plan->run(images.q.data(), options_.images, {&output, 1});
    verify(spec, images.operands, y);
    const double seconds = median_seconds(stream_, options_.repeats, [&] {
      plan->run(images.q.data(), options_.images, {&output, 1});
    });
    report(one_image, spec, plan->describe(), seconds, cuda::multiprocessor_clock(stream_.get()));
  }

  nlohmann::json rows = nlohmann::json::array();

 private:
  const Images& images_of(const cases::SramCase& one_image) {
    std::unique_ptr<Images>& images = images_[one_image.bit_density];
    if (images == nullptr) {
      cases::SramCase many = one_image;
      many.n = options_.images;
      images = std::make_unique<Images>(many);
    }
    return *images;
  }

  /// First and last image against the CPU.
  void verify(const SramConvSpec& spec, const cases::Operands& operands, const DeviceBuffer<float>& y) const {
    const size_t count = static_cast<size_t>(spec.shape.outputs());
    std::vector<float> got(y.size()), want(count);
    const auto plan = plan_sram_conv(spec, operands.codes.data());
    y.download(got.data(), stream_);
    for (int n : {0, options_.images - 1}) {
      SramOutput output;
      output.y = want.data();
      output.act_scale = 1.5f;
      output.weight_scale = 20.0f;
      plan->run(operands.q.data() + n * spec.shape.inputs(), 1, {&output, 1});
      if (!std::equal(want.begin(), want.end(), got.begin() + static_cast<std::ptrdiff_t>(n * count)))
        throw RunError("a result differs from the CPU's");
    }
  }

  void report(const cases::SramCase& c, const SramConvSpec& spec, const std::string& kernel, double seconds,
              double clock) {
    const double images = options_.images / seconds, conversions = static_cast<double>(spec.conversions());
    const double bit_macs =
        static_cast<double>(spec.shape.outputs()) * spec.shape.rows() * spec.act_bits * spec.weight_bits;
    const double device_clock = clock * processors_;
    const double limit = std::min(kLanes * device_clock / kSlotsPerConversion / conversions,
                                  kBitMacsPerClock * device_clock / bit_macs);
    const double rate = images * conversions / device_clock;
    fmt::print("{:4} {:3} {:5.2f} {:11.0f} {:9.2f} {:11.3e} {:8.1f}%  {}\n", c.subarray, c.adcs[0].bits,
               c.bit_density, images, rate, images * bit_macs, 100 * images / limit,
               (c.mapping == "shape-wise" ? "" : c.mapping + ": ") +
                   (c.shape.stride == 1 ? "" : "stride " + std::to_string(c.shape.stride) + ": ") + kernel);
    std::fflush(stdout);
    rows.push_back({{"subarray", c.subarray},
                    {"mapping", c.mapping},
                    {"stride", c.shape.stride},
                    {"adc_bits", c.adcs[0].bits},
                    {"adc_mode", c.adcs[0].mode},
                    {"bit_density", c.bit_density},
                    {"kernel", kernel},
                    {"images", options_.images},
                    {"seconds", seconds},
                    {"images_per_s", images},
                    {"conversions_per_clock_per_sm", rate},
                    {"bit_macs_per_s", images * bit_macs},
                    {"roofline_fraction", images / limit},
                    {"clock_hz", clock}});
  }

  const Options& options_;
  const Stream& stream_;
  int processors_ = 0;
  std::map<double, std::unique_ptr<Images>> images_;  ///< by bit density: all rows are the same layer
};

void run_all(const Options& options, Bench& bench) {
  const auto conv2 = [](int r, int bits, double density) { return cases::seed_conv2(r, bits, density); };
  const std::vector<int> subarrays = {16, 32, 64, 128, 256, 512};
  fmt::print("   R adc  bits  images/s  conv/clk/SM bit-MAC/s roofline  kernel\n");
  for (int r : subarrays)  // every kernel and form, at the reference point
    for (const cuda::SramKernelInfo& info : cuda::sram_cuda_kernels())
      for (const char* form : {"/clamp", "/fused", "/half2", "/fma", "/table", ""})
        if ((*form == '\0') == (info.kernel == cuda::SramKernel::kPortable))
          bench.add(conv2(r, r == 16 ? 4 : 5, options.density), info.name + std::string(form));
  bench.add(conv2(128, 0, 0.5), "integer");
  bench.add(conv2(128, 0, 0.5), "integer-gather");
  if (options.quick) return;
  for (double density : {0.5, 0.02})
    for (int r : subarrays)
      for (int bits = 1; bits <= 8; ++bits) bench.add(conv2(r, bits, density), "");
  for (int r : subarrays) {
    cases::SramCase c = conv2(r, 4, 0.5);
    c.adcs[0].mode = "saturating";
    bench.add(c, "");
    c = conv2(r, 5, 0.5);
    c.mapping = "unrolled";
    bench.add(c, "");
    c = conv2(r, 5, 0.5);
    c.shape.stride = 2;
    for (const char* kernel : {"binary", "direct"}) bench.add(c, kernel);
  }
}

int run(const Options& options) {
  const DeviceProbe probe = probe_devices();
  if (probe.usable.empty()) {
    fmt::print("no usable GPU: {}\n", probe.reason);
    return 0;
  }
  const CudaDevice& gpu = probe.usable[0];
  int driver = 0;
  SRAMSIM_CUDA_CALL(cudaDriverGetVersion, &driver);
  SRAMSIM_CUDA_CALL(cudaSetDevice, gpu.index);
  const Stream stream;
  const double copy = copy_bandwidth(stream, options.repeats),
               int8 = int8_product_rate(stream, options.repeats);
  const double clock = cuda::multiprocessor_clock(stream.get());
  fmt::print("{}, compute capability {}.{}, {} multiprocessors, {:.3f} GHz, driver CUDA {}, commit {}\n",
             gpu.name, gpu.major, gpu.minor, gpu.multiprocessors, clock * 1e-9, driver, SRAMSIM_COMMIT);
  fmt::print("copy {:.0f} GB/s, 8-bit product {:.0f} T multiply-adds/s; {} images a run, medians of {}\n\n",
             copy * 1e-9, int8 * 1e-12, options.images, options.repeats);
  Bench bench(options, stream);
  run_all(options, bench);
  if (!options.json.empty()) {
    std::ofstream file(options.json);
    file << nlohmann::json({{"gpu", gpu.name},
                            {"compute_capability", fmt::format("{}.{}", gpu.major, gpu.minor)},
                            {"multiprocessors", gpu.multiprocessors},
                            {"clock_hz", clock},
                            {"driver_cuda", driver},
                            {"commit", SRAMSIM_COMMIT},
                            {"copy_bytes_per_s", copy},
                            {"int8_macs_per_s", int8},
                            {"rows", bench.rows}})
                .dump(1)
         << "\n";
    if (!file.flush()) throw RunError("cannot write '" + options.json + "'");
  }
  return 0;
}

}  // namespace
}  // namespace sramsim

int main(int argc, char** argv) {
  sramsim::Options options;
  CLI::App app("Rates of the SRAM convolution's CUDA kernels");
  app.add_option("--images", options.images, "images per run")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--repeats", options.repeats, "timed runs")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_flag("--quick", options.quick, "every kernel at one converter setting only");
  app.add_option("--density", options.density, "set bits of the activations, for every kernel's rows")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--subarray", options.subarray, "rows of this subarray size only");
  app.add_option("--kernel", options.kernel, "forced kernels whose name begins so only, as in direct/half2");
  app.add_option("--json", options.json, "also write the rows to this file");
  CLI11_PARSE(app, argc, argv);
  try {
    return sramsim::run(options);
  } catch (const std::exception& e) {
    fmt::print(stderr, "gpu_sram_bench: {}\n", e.what());
    return 1;
  }
}
