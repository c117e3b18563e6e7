// Instantiations of the general kernels: gather, portable and the packing of activations.
#include "kernels/sram_conv/sram_conv_portable.cuh"
#include "kernels/sram_conv/sram_gather_mma.cuh"
#include "kernels/sram_conv/sram_launch_cuda.h"
#include "kernels/sram_conv/sram_prepare.cuh"

#include "kernels/cuda/check.h"

namespace sramsim::cuda {
namespace {

template <class Form>
__global__ void __launch_bounds__(kMmaThreads) sram_gather_kernel(const __grid_constant__ SramConvArgs args) {
  sram_gather_body<Form, kChainedTileN / 8>(args);
}

__global__ void __launch_bounds__(kPortableThreads)
    sram_portable_kernel(const __grid_constant__ SramConvArgs args) {
  sram_portable_body(args);
}

__global__ void __launch_bounds__(kPrepareThreads, kPrepareBlocks)
    sram_prepare_planes_kernel(const __grid_constant__ PrepareArgs args) {
  sram_prepare_planes_body(args);
}

__global__ void __launch_bounds__(kPrepareThreads, kPrepareBlocks)
    sram_prepare_codes_kernel(const __grid_constant__ PrepareArgs args) {
  sram_prepare_codes_body(args);
}

}  // namespace

SramKernelFunction general_kernel_function(SramKernel kernel, AdcKind adc) {
  if (kernel == SramKernel::kPortable) return sram_portable_kernel;
  switch (adc) {
    case AdcKind::kNone:
      return sram_gather_kernel<NoForm>;
    case AdcKind::kFma:
      return sram_gather_kernel<FmaForm>;
    default:
      return sram_gather_kernel<TableForm>;
  }
}

// grid: a block per padded row of an image, at most so many that the device holds them all at once; each
// walks on from there
void sram_prepare_cuda(const PrepareArgs& args, bool integer, int multiprocessors, cudaStream_t stream) {
  const int64_t rows = int64_t{args.n} * (args.h + 2 * args.padding);
  const int64_t most = int64_t{multiprocessors} * kPrepareBlocks;
  const auto blocks = static_cast<unsigned>(rows < most ? rows : most);
  if (integer)
    sram_prepare_codes_kernel<<<blocks, kPrepareThreads, 0, stream>>>(args);
  else
    sram_prepare_planes_kernel<<<blocks, kPrepareThreads, 0, stream>>>(args);
  SRAMSIM_CUDA_CHECK_LAUNCH("sram_prepare");
}

}  // namespace sramsim::cuda
