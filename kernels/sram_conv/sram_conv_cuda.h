// The SRAM convolution on an NVIDIA GPU: what the CUDA backend calls. Knows no CUDA type, so that any source
// may include it; defined only where CUDA is compiled in (SRAMSIM_HAVE_CUDA).
//
// A plan is made from host codes for the current device. run() takes device pointers, puts its work into one
// stream and returns at once: results are there when the stream has got that far. Errors of the device
// surface there, too.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "kernels/sram_conv/sram_choice_cuda.h"
#include "kernels/sram_conv/sram_conv.h"

struct CUstream_st;  // cudaStream_t is a pointer to it

namespace sramsim::cuda {

struct SramCudaOptions {
  CUstream_st* stream = nullptr;  ///< null: the legacy default stream
  std::string force{};            ///< kernel, or kernel/form; empty: the best for each converter
  size_t scratch_bytes =
      size_t{64} << 20;  ///< packed activations; larger batches are cut. Fits the L2 cache of a GPU
};

class SramConvCudaPlan : public SramConvPlan {
 public:
  /// As run(), from real activations x [N,H,W,C] quantised on the way with *alpha; all in device memory.
  virtual void run_real(const float* x, const float* alpha, int n,
                        std::span<const SramOutput> outputs) const = 0;
  /// Takes the scratch memory that run() with n images needs, so that run() allocates nothing (nor within a
  /// CUDA graph).
  virtual void reserve(int n) const = 0;
  /// Replaces the weights by codes [O,KH,KW,C] in device memory, in stream order: what training does. Only
  /// for plans whose kernels are all integer ones (lossless converters); RunError for others. The codes must
  /// fit the bits that the plan was checked with.
  virtual void repack(const int8_t* codes) const = 0;
  /// Kernel and converter form, "direct/half2"; several converters are joined by "+" where they differ.
  virtual std::string name() const = 0;
};

/// Checks the spec, then plans. Throws InputError (spec, forced kernel) or RunError (device).
std::unique_ptr<SramConvCudaPlan> plan_sram_conv_cuda(const SramConvSpec& spec, const int8_t* codes,
                                                      const SramCudaOptions& options = {});

/// What the current device allows.
GpuLimits current_gpu_limits();

/// One entry per kernel, best first; plans use the default stream. `refuses` asks about the current device.
std::span<const SramConvVariant> sram_conv_cuda_variants();

}  // namespace sramsim::cuda
