#include "tests/cuda/ptx_probe.cuh"
#include "tests/cuda/ptx_probe.h"
#include "tests/emulator/block_emulator.h"

namespace sramsim::probe {

std::vector<uint32_t> run_on_emulator(const std::vector<uint32_t>& in, const std::vector<Unit>& units,
                                      bool binary) {
  std::vector<uint32_t> out(32 * kOutputs, ~0u);
  emulator::run({.block = 32, .shared_bytes = kSharedBytes},
                [&] { ptx_probe_body(in.data(), units.data(), binary, out.data()); });
  return out;
}

}  // namespace sramsim::probe
