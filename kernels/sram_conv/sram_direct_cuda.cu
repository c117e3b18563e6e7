// Instantiations of the direct kernel: the hot ones. No register may spill here (tests/cuda/check_spills.py).
#include "kernels/sram_conv/sram_halo_mma.cuh"
#include "kernels/sram_conv/sram_launch_cuda.h"

namespace sramsim::cuda {
namespace {

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
constexpr int kBlocksInSharedMemory = 1;
#else
constexpr int kBlocksInSharedMemory = 2;  // of conv2 of the seed network
#endif

/// Blocks per multiprocessor that the registers must allow: latencies hide behind other warps. The clamp
/// holds nothing but its accumulators; packed lanes, which need totals beside them, leave no room for a
/// second block, nor do fused sums of two row groups.
template <class Form, int kGroups>
constexpr int kResidentBlocks = Form::kKind == AdcKind::kClamp                     ? 2
                                : Form::kKind == AdcKind::kHalf2                   ? 1
                                : (Form::kKind == AdcKind::kFused && kGroups == 2) ? 1
                                                                                   : kBlocksInSharedMemory;

template <class Form, int kGroups>
__global__ void __launch_bounds__(kMmaThreads, kResidentBlocks<Form, kGroups>)
    sram_direct_kernel(const __grid_constant__ SramConvArgs args) {
  sram_halo_body<Form, kDirectTileN / 8, kGroups>(args);
}

template <class Form>
SramKernelFunction with_groups(int groups_per_step) {
  return groups_per_step == 1 ? sram_direct_kernel<Form, 1> : sram_direct_kernel<Form, 2>;
}

}  // namespace

SramKernelFunction direct_kernel_function(AdcKind adc, int groups_per_step) {
  switch (adc) {
    case AdcKind::kClamp:
      return with_groups<ClampForm>(groups_per_step);
    case AdcKind::kFused:
      return with_groups<FusedForm>(groups_per_step);
    case AdcKind::kHalf2:
      return with_groups<Half2Form>(groups_per_step);
    default:
      return with_groups<FmaForm>(groups_per_step);
  }
}

}  // namespace sramsim::cuda
