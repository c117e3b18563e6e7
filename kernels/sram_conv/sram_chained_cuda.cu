// Instantiations of the chained halo kernel, binary and integer. No register may spill here.
#include "kernels/sram_conv/sram_halo_mma.cuh"
#include "kernels/sram_conv/sram_launch_cuda.h"

namespace sramsim::cuda {
namespace {

template <class Form>
__global__ void __launch_bounds__(kMmaThreads, 1)
    sram_chained_kernel(const __grid_constant__ SramConvArgs args) {
  sram_halo_body<Form, kChainedTileN / 8, 0>(args);
}

template <int kTileN>
__global__ void __launch_bounds__(kMmaThreads, 1)
    sram_integer_kernel(const __grid_constant__ SramConvArgs args) {
  sram_halo_body<NoForm, kTileN / 8, 0>(args);
}

}  // namespace

SramKernelFunction integer_kernel_function(int warp_channels) {
  return warp_channels == kDirectTileN ? sram_integer_kernel<kDirectTileN>
                                       : sram_integer_kernel<kChainedTileN>;
}

SramKernelFunction chained_kernel_function(AdcKind adc) {
  switch (adc) {
    case AdcKind::kHalf2:
      return sram_chained_kernel<Half2Form>;
    case AdcKind::kFma:
      return sram_chained_kernel<FmaForm>;
    default:
      return sram_chained_kernel<TableForm>;
  }
}

}  // namespace sramsim::cuda
