// Launchers of the SRAM convolution's CUDA kernels: they launch and check, they neither allocate nor
// synchronise. The kernels are instantiated in sram_direct_cuda.cu, sram_warpgroup_cuda.cu,
// sram_chained_cuda.cu and sram_general_cuda.cu.
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/sram_conv/sram_program_cuda.h"

namespace sramsim::cuda {

using SramKernelFunction = void (*)(SramConvArgs);

/// The instantiation that `choice` asks for.
SramKernelFunction sram_kernel_function(const SramChoice& choice);
SramKernelFunction direct_kernel_function(AdcKind adc, int groups_per_step);
SramKernelFunction float8_kernel_function(int pairs);
SramKernelFunction binary_kernel_function(AdcKind adc, int group_products, int pairs);
SramKernelFunction integer_kernel_function(int warp_channels);
SramKernelFunction chained_kernel_function(AdcKind adc);
SramKernelFunction general_kernel_function(SramKernel kernel, AdcKind adc);

/// Allows the kernel its shared memory and returns how many of its blocks the whole device holds at once.
int prepare_sram_kernel(const SramChoice& choice, int multiprocessors);

/// planes, channel sums <- q or x. Shapes: see PrepareArgs.
void sram_prepare_cuda(const PrepareArgs& args, bool integer, int multiprocessors, cudaStream_t stream);

/// outputs [N,OH,OW,O] <- planes, weights. `resident` as prepare_sram_kernel() returned it.
void sram_conv_cuda(const SramConvArgs& args, const SramProgram& program, int resident, cudaStream_t stream);

}  // namespace sramsim::cuda
