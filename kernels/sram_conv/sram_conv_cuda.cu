// The plan: owns the packed weights and the scratch memory on the device, cuts batches, launches.
#include "kernels/sram_conv/sram_conv_cuda.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "kernels/cuda/check.h"
#include "kernels/cuda/device_memory.h"
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/profile_range.h"
#include "kernels/sram_conv/sram_launch_cuda.h"
#include "kernels/sram_conv/sram_repack.h"

namespace sramsim::cuda {
namespace {

int multiprocessors() {
  int device = 0, count = 0;
  SRAMSIM_CUDA_CALL(cudaGetDevice, &device);
  SRAMSIM_CUDA_CALL(cudaDeviceGetAttribute, &count, cudaDevAttrMultiProcessorCount, device);
  return count;
}

/// One converter's program with its arrays on the device.
struct DeviceProgram {
  SramProgram program;  ///< host copies of the arrays are dropped
  int resident = 0;
  DeviceBuffer<Unit> weights;
  DeviceBuffer<Step> steps;
  DeviceBuffer<Pass> passes;
  DeviceBuffer<Product> products;
  DeviceBuffer<Piece> pieces;
  DeviceBuffer<uint32_t> table;

  DeviceProgram(SramProgram made, int processors)
      : program(std::move(made)),
        resident(prepare_sram_kernel(program.choice, processors)),
        weights(program.weights.data(), program.weights.size()),
        steps(program.steps.data(), program.steps.size()),
        passes(program.passes.data(), program.passes.size()),
        products(program.products.data(), program.products.size()),
        pieces(program.pieces.data(), program.pieces.size()),
        table(program.table.data(), program.table.size()) {
    program.args.weights = weights.data();
    program.args.steps = steps.data();
    program.args.passes = passes.data();
    program.args.products = products.data();
    program.args.pieces = pieces.data();
    program.args.adc.table = table.data();
    program.weights = {};
    program.steps = {};
    program.passes = {};
    program.products = {};
    program.pieces = {};
    program.table = {};
  }
};

/// Packed activations of one chunk of images, in one of the two operand formats.
struct Scratch {
  PrepareArgs prepare;
  size_t image_units = 0, image_sums = 0;
  DeviceBuffer<Unit> planes;
  DeviceBuffer<int32_t> sums;
  bool used = false;
};

class Plan final : public SramConvCudaPlan {
 public:
  Plan(const SramConvSpec& spec, const int8_t* codes, const SramCudaOptions& options)
      : shape_(spec.shape), stream_(options.stream), processors_(multiprocessors()) {
    const GpuLimits gpu = current_gpu_limits();
    for (size_t t = 0; t < spec.adcs.size(); ++t)
      programs_.emplace_back(
          make_sram_program(spec, t, codes, choose_sram_kernel(spec, t, gpu, options.force)), processors_);
    size_t image_bytes = 0;
    for (bool integer : {false, true}) {
      Scratch& s = scratch_[integer];
      s.used = std::any_of(programs_.begin(), programs_.end(),
                           [&](const DeviceProgram& p) { return p.program.integer() == integer; });
      if (!s.used) continue;
      s.prepare = make_prepare_args(spec, integer);
      s.image_units = packed_units(spec, integer);
      s.image_sums = !integer && spec.encoding == Encoding::kOffset ? padded_pixels(spec.shape) : 0;
      image_bytes += s.image_units * sizeof(Unit);
    }
    chunk_ = static_cast<int>(std::clamp<size_t>(options.scratch_bytes / image_bytes, 1, 1 << 20));
  }

  void run(const uint8_t* q, int n, std::span<const SramOutput> outputs) const override {
    run_chunks(n, outputs, [&](PrepareArgs& args, int first) { args.q = q + first * shape_.inputs(); });
  }

  void run_real(const float* x, const float* alpha, int n,
                std::span<const SramOutput> outputs) const override {
    run_chunks(n, outputs, [&](PrepareArgs& args, int first) {
      args.x = x + first * shape_.inputs();
      args.alpha = alpha;
    });
  }

  void reserve(int n) const override {
    const std::scoped_lock lock(mutex_);
    grow(std::min(n, chunk_));
  }

  void repack(const int8_t* codes) const override {
    for (const DeviceProgram& p : programs_) {
      if (!p.program.integer()) throw RunError("only integer kernels take weights from the device");
      launch_elements(
          elements::PackWeightCodes{codes, shape_.o, shape_.positions(), shape_.c, p.program.choice.tile_o,
                                    code_units(shape_.c), p.weights.data()},
          {stream_, processors_});
    }
  }

  std::string name() const override {
    std::string text;
    for (const DeviceProgram& p : programs_) {
      const std::string choice = to_string(p.program.choice), own = choice.substr(0, choice.find(','));
      if (("+" + text + "+").find("+" + own + "+") == std::string::npos)
        text += (text.empty() ? "" : "+") + own;
    }
    return text;
  }

  std::string describe() const override {
    std::string text;
    for (const DeviceProgram& p : programs_)
      text += (text.empty() ? "" : "; ") + to_string(p.program.choice) + ", " + std::to_string(p.resident) +
              " resident blocks";
    return text;
  }

 private:
  void grow(int images) const {
    for (Scratch& s : scratch_) {
      if (!s.used || s.planes.size() >= images * s.image_units) continue;
      s.planes = DeviceBuffer<Unit>(images * s.image_units);
      s.sums = DeviceBuffer<int32_t>(images * s.image_sums);
    }
  }

  /// The scratch memory is reused in stream order; the lock keeps the launches of one chunk together.
  template <typename SetInput>
  void run_chunks(int n, std::span<const SramOutput> outputs, SetInput set_input) const {
    const std::scoped_lock lock(mutex_);
    const ProfileRange range("sram_conv");
    grow(std::min(n, chunk_));
    for (int first = 0; first < n; first += chunk_) {
      const int images = std::min(chunk_, n - first);
      for (bool integer : {false, true}) {
        Scratch& s = scratch_[integer];
        if (!s.used) continue;
        PrepareArgs args = s.prepare;
        set_input(args, first);
        args.n = images;
        args.planes = s.planes.data();
        args.channel_sums = s.sums.data();
        sram_prepare_cuda(args, integer, processors_, stream_);
      }
      for (size_t t = 0; t < programs_.size(); ++t) launch(programs_[t], first, images, outputs[t]);
    }
  }

  void launch(const DeviceProgram& p, int first, int images, SramOutput output) const {
    if (output.s != nullptr) output.s += first * shape_.outputs();
    if (output.y != nullptr) output.y += first * shape_.outputs();
    const Scratch& s = scratch_[p.program.integer()];
    SramConvArgs args = p.program.args;
    set_output(args, output);
    args.geometry.n = images;
    args.planes = s.planes.data();
    args.epilogue.channel_sums = s.sums.data();
    sram_conv_cuda(args, p.program, p.resident, stream_);
  }

  ConvShape shape_;
  cudaStream_t stream_;
  int processors_;
  int chunk_ = 1;                        ///< most images packed at a time
  std::vector<DeviceProgram> programs_;  ///< one per converter
  mutable std::mutex mutex_;
  mutable std::array<Scratch, 2> scratch_;  ///< bit planes, codes
};

/// A variant's functions are plain pointers: one pair per kernel.
template <size_t kIndex>
SramConvVariant variant() {
  return {sram_cuda_kernels()[kIndex].name, sram_cuda_kernels()[kIndex].idea,
          [](const SramConvSpec& spec) {
            SramChoice choice;
            for (size_t t = 0; t < spec.adcs.size(); ++t) {
              const std::string reason =
                  refuses(sram_cuda_kernels()[kIndex].kernel, spec, t, current_gpu_limits(), "", &choice);
              if (!reason.empty()) return reason;
            }
            return std::string();
          },
          [](const SramConvSpec& spec, const int8_t* codes) -> std::unique_ptr<SramConvPlan> {
            SramCudaOptions options;
            options.force = sram_cuda_kernels()[kIndex].name;
            return plan_sram_conv_cuda(spec, codes, options);
          }};
}

}  // namespace

SramKernelFunction sram_kernel_function(const SramChoice& choice) {
  switch (choice.kernel) {
    case SramKernel::kDirect:
      return direct_kernel_function(choice.adc, choice.groups_per_step);
    case SramKernel::kFloat8:
      return float8_kernel_function(choice.pairs);
    case SramKernel::kBinary:
      return binary_kernel_function(choice.adc, choice.group_products, choice.pairs);
    case SramKernel::kInteger:
      return integer_kernel_function(choice.warp_channels());
    case SramKernel::kChained:
      return chained_kernel_function(choice.adc);
    default:
      return general_kernel_function(choice.kernel, choice.adc);
  }
}

int prepare_sram_kernel(const SramChoice& choice, int processors) {
  const auto* function = reinterpret_cast<const void*>(sram_kernel_function(choice));
  // All the device has: the attribute belongs to the kernel, which other plans launch with other sizes.
  SRAMSIM_CUDA_CALL(cudaFuncSetAttribute, function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                    static_cast<int>(current_gpu_limits().shared_bytes));
  int blocks = 0;
  SRAMSIM_CUDA_CALL(cudaOccupancyMaxActiveBlocksPerMultiprocessor, &blocks, function, choice.threads,
                    choice.shared_bytes);
  if (blocks == 0) throw RunError("CUDA kernel " + to_string(choice) + " does not fit the device");
  return blocks * processors;
}

void sram_conv_cuda(const SramConvArgs& args, const SramProgram& program, int resident, cudaStream_t stream) {
  const SramChoice& choice = program.choice;
  const dim3 grid(static_cast<unsigned>(grid_blocks(program, args.geometry.n, resident)),
                  static_cast<unsigned>(grid_tiles_o(program)));
  sram_kernel_function(choice)<<<grid, choice.threads, choice.shared_bytes, stream>>>(args);
  SRAMSIM_CUDA_CHECK_LAUNCH("sram_conv");
}

GpuLimits current_gpu_limits() {
  int device = 0, shared = 0;
  GpuLimits limits;
  SRAMSIM_CUDA_CALL(cudaGetDevice, &device);
  SRAMSIM_CUDA_CALL(cudaDeviceGetAttribute, &limits.major, cudaDevAttrComputeCapabilityMajor, device);
  SRAMSIM_CUDA_CALL(cudaDeviceGetAttribute, &limits.minor, cudaDevAttrComputeCapabilityMinor, device);
  SRAMSIM_CUDA_CALL(cudaDeviceGetAttribute, &shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  limits.shared_bytes = static_cast<size_t>(shared);
#ifdef SRAMSIM_HAVE_SM90A
  limits.warpgroups = true;
#else
  limits.warpgroups = false;
#endif
  return limits;
}

std::unique_ptr<SramConvCudaPlan> plan_sram_conv_cuda(const SramConvSpec& spec, const int8_t* codes,
                                                      const SramCudaOptions& options) {
  check_sram_conv(spec, codes);
  return std::make_unique<Plan>(spec, codes, options);
}

std::span<const SramConvVariant> sram_conv_cuda_variants() {
  static const auto list = []<size_t... kIndex>(std::index_sequence<kIndex...>) {
    return std::array{variant<kIndex>()...};
  }
  (std::make_index_sequence<kSramKernels>());
  return list;
}

}  // namespace sramsim::cuda
