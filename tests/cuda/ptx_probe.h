// The probe of ptx_probe.cuh on the emulator and on the device: in [32][16] words, units [32], out [32][48]
// words.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cuda/ptx.h"

namespace sramsim::probe {

std::vector<uint32_t> run_on_emulator(const std::vector<uint32_t>& in, const std::vector<Unit>& units,
                                      bool binary);
std::vector<uint32_t> run_on_device(const std::vector<uint32_t>& in, const std::vector<Unit>& units,
                                    bool binary);

}  // namespace sramsim::probe
