// Instantiations of the float8 kernel. No register may spill here (tests/cuda/check_spills.py).
#include "kernels/sram_conv/sram_float8_mma.cuh"
#include "kernels/sram_conv/sram_launch_cuda.h"

namespace sramsim::cuda {
namespace {

constexpr int kMostThreads = 4 * ptx::kWarpgroup;

template <int kBlocks, int kPairs>
__global__ void __launch_bounds__(kMostThreads, 1)
    sram_float8_kernel(const __grid_constant__ SramConvArgs args) {
  sram_float8_body<kBlocks, kPairs>(args);
}

template <int kPairs>
SramKernelFunction with_blocks(int blocks_per_group) {
  switch (blocks_per_group) {
    case 1:
      return sram_float8_kernel<1, kPairs>;
    case 2:
      return sram_float8_kernel<2, kPairs>;
    default:
      return sram_float8_kernel<4, kPairs>;
  }
}

}  // namespace

SramKernelFunction float8_kernel_function(int blocks_per_group, int pairs) {
  return pairs == 2 ? with_blocks<2>(blocks_per_group) : with_blocks<4>(blocks_per_group);
}

}  // namespace sramsim::cuda
