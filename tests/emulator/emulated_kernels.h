// The CUDA kernels of the SRAM convolution on the block emulator: the same packing, the same choice, the same
// bodies.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/sram_conv/sram_program_cuda.h"
#include "tests/emulator/block_emulator.h"

namespace sramsim::emulator {

/// One layer, one converter, all images: packs the activations, then convolves. `faults` are planted in the
/// convolution only. q uint8 [N,H,W,C] in host memory; outputs as SramConvPlan::run() gives them.
Counts run_sram_conv(const SramConvSpec& spec, size_t adc, const cuda::SramChoice& choice,
                     const int8_t* codes, const uint8_t* q, int n, const SramOutput& output,
                     uint64_t seed = 1, const Faults& faults = {});

/// Runs one packing kernel; args.planes and channel_sums point to host memory.
Counts run_prepare(const cuda::PrepareArgs& args, bool integer, uint64_t seed = 1);

}  // namespace sramsim::emulator
