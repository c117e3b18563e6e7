// Instantiations of the chained halo kernel, binary and integer. No register may spill here.
#include "kernels/sram_conv/sram_halo_mma.cuh"
#include "kernels/sram_conv/sram_launch_cuda.h"

namespace sramsim::cuda {
namespace {

template <class Product, class Form>
__global__ void __launch_bounds__(kMmaThreads, 1)
    sram_chained_kernel(const __grid_constant__ SramConvArgs args) {
  sram_halo_body<Product, Form, kChainedTileN / 8, 0>(args);
}

}  // namespace

SramKernelFunction chained_kernel_function(AdcKind adc) {
  switch (adc) {
    case AdcKind::kHalf2:
      return sram_chained_kernel<BinaryProduct, Half2Form>;
    case AdcKind::kFma:
      return sram_chained_kernel<BinaryProduct, FmaForm>;
    case AdcKind::kNone:
      return sram_chained_kernel<IntegerProduct, NoForm>;
    default:
      return sram_chained_kernel<BinaryProduct, TableForm>;
  }
}

}  // namespace sramsim::cuda
