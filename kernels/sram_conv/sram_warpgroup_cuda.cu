// Instantiations of the warpgroup kernel, the hot ones of sm_90a. No register may spill here.
#include "kernels/sram_conv/sram_launch_cuda.h"
#include "kernels/sram_conv/sram_warpgroup_mma.cuh"

namespace sramsim::cuda {
namespace {

/// Two blocks per multiprocessor: one converts while the other's products run.
template <int kGroups>
__global__ void __launch_bounds__(kMmaThreads, 2)
    sram_warpgroup_kernel(const __grid_constant__ SramConvArgs args) {
  sram_warpgroup_body<kGroups>(args);
}

}  // namespace

SramKernelFunction warpgroup_kernel_function(int groups_per_step) {
  return groups_per_step == 1 ? sram_warpgroup_kernel<1> : sram_warpgroup_kernel<2>;
}

}  // namespace sramsim::cuda
