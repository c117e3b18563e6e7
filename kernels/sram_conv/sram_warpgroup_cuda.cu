// Instantiations of the warpgroup kernels. No register may spill here (tests/cuda/check_spills.py).
#include "kernels/sram_conv/sram_launch_cuda.h"
#include "kernels/sram_conv/sram_warpgroup_mma.cuh"

namespace sramsim::cuda {
namespace {

template <class Product>
constexpr int kMostThreads = most_warpgroups(Product::kKind) * ptx::kWarpgroup;

template <class Product, int kProducts, int kPairs>
__global__ void __launch_bounds__(kMostThreads<Product>, 1)
    sram_warpgroup_kernel(const __grid_constant__ SramConvArgs args) {
  sram_warpgroup_body<Product, kProducts, kPairs>(args);
}

template <class Product, int kProducts>
SramKernelFunction with_pairs(int pairs) {
  return pairs == 2 ? sram_warpgroup_kernel<Product, kProducts, 2>
                    : sram_warpgroup_kernel<Product, kProducts, 4>;
}

template <class Product>
SramKernelFunction with_products(int group_products, int pairs) {
  switch (group_products) {
    case 1:
      return with_pairs<Product, 1>(pairs);
    case 2:
      if constexpr (kUnrollsTwoProducts<Product>)
        if (pairs == 2) return sram_warpgroup_kernel<Product, 2, 2>;
      [[fallthrough]];
    default:
      return with_pairs<Product, 0>(pairs);
  }
}

}  // namespace

SramKernelFunction float8_kernel_function(int pairs) {
  return with_pairs<Float8Product, 1>(pairs);
}

SramKernelFunction binary_kernel_function(AdcKind adc, int group_products, int pairs) {
  switch (adc) {
    case AdcKind::kFused:
      return with_products<WideProduct>(group_products, pairs);
    case AdcKind::kHalf2:
      return with_products<BinaryProduct<Half2Form>>(group_products, pairs);
    default:
      return with_products<BinaryProduct<FmaForm>>(group_products, pairs);
  }
}

}  // namespace sramsim::cuda
