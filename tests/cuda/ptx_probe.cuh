// One warp through every function of kernels/cuda/ptx.h that is not mere C++. Compiled twice: for the device,
// and for the block emulator, whose twins must give the same words.
#pragma once

#include "kernels/cuda/ptx.h"

namespace sramsim::probe {

inline constexpr int kInputs = 16;   ///< random words per lane
inline constexpr int kOutputs = 48;  ///< words per lane
inline constexpr int kSharedBytes = 32 * 16 * 2;

/// The twins' own domain: finite halves, so that the emulator's exact arithmetic applies.
SRAMSIM_DEVICE uint32_t finite_halves(uint32_t x) {
  return x & 0xBBFFBBFFu;
}

/// in [32][kInputs], out [32][kOutputs]. `binary`: the architecture has binary tensor cores.
SRAMSIM_DEVICE void ptx_probe_body(const uint32_t* in, const Unit* units, bool binary, uint32_t* out) {
  const int lane = ptx::lane_index();
  const uint32_t* x = in + lane * kInputs;
  uint32_t* y = out + lane * kOutputs;
  int k = 0;
  y[k++] = ptx::warp_ballot((x[0] & 1) != 0);
  y[k++] = ptx::warp_any((x[1] & 31) == 0) ? 1 : 0;
  y[k++] = ptx::warp_shuffle(x[2], static_cast<int>(x[3] % 32));
  y[k++] = static_cast<uint32_t>(ptx::popc(x[4]));
  y[k++] = static_cast<uint32_t>(ptx::add_min(
      static_cast<int32_t>(x[5] >> 4), static_cast<int32_t>(x[6] >> 4), static_cast<int32_t>(x[7] >> 3)));
  y[k++] = ptx::warp_or(x[0] & x[1] & x[2] & x[3] & x[4]);
  y[k++] = ptx::multiply_high(x[5], x[6]);
  y[k++] = ptx::rotate_left(x[7], x[8]);
  y[k++] = ptx::pack_lanes(x[9] & 0xffffu, x[10] & 0xffffu);
  y[k++] =
      ptx::fma_bits(x[8] % 5000, 0x1p125f / static_cast<float>(1 + x[9] % 40), 0x3F400000u + x[10] % 1000);
  // The converter's operands: small integers as subnormals, and ordinary ones around 1.
  y[k++] = ptx::fma_saturate(x[8] % 5000, 0x1p125f / static_cast<float>(1 + x[9] % 40), 1.0f - 31 * 0x1p-24f);
  y[k++] = ptx::fma_saturate(0x3F000000u | (x[8] >> 9), 1.0f, -0.25f);
  y[k++] = ptx::fma_saturate_half2(x[10] & 0x07ff07ffu, 0x6c006c00u - (x[11] & 0x0fff0fffu), 0x3BF03BF0u);
  y[k++] = ptx::fma_saturate_half2(finite_halves(x[12]), finite_halves(x[13]), finite_halves(x[14]));

  const ptx::SharedAddress mine = ptx::shared_base() + static_cast<uint32_t>(lane) * 16;
  ptx::copy_async_unit(mine, units + lane, true);
  ptx::copy_async_unit(mine + 512, units + lane, x[15] % 2 == 0);
  ptx::copy_async_wait();
  ptx::block_sync();
  const Unit across =
      ptx::shared_load_unit(ptx::shared_base() + static_cast<uint32_t>((lane + 5) % 32) * 16 + 512);
  for (uint32_t word : across.word) y[k++] = word;
  uint32_t matrix[4];
  ptx::load_matrix_x4(matrix, ptx::shared_base() + static_cast<uint32_t>((lane * 7 + 3) % 32) * 16);
  for (uint32_t word : matrix) y[k++] = word;
  ptx::warp_sync();
  ptx::block_sync();
  ptx::shared_store(mine, x[0]);
  ptx::block_sync();
  y[k++] = ptx::shared_load(ptx::shared_base() + static_cast<uint32_t>(31 - lane) * 16);

  const uint32_t a[4] = {x[0], x[1], x[2], x[3]}, b[2] = {x[4], x[5]};
  const int32_t c[4] = {static_cast<int32_t>(x[6] % 1000), -5, static_cast<int32_t>(x[7] % 77), 0};
  int32_t d[4];
  ptx::mma_u8s8_k32(d, a, b, c);
  for (int32_t v : d) y[k++] = static_cast<uint32_t>(v);
  if (binary) {
    ptx::mma_and_k128(d, a[0], a[1], b[0], c);
    for (int32_t v : d) y[k++] = static_cast<uint32_t>(v);
    ptx::mma_and_k256(d, a, b, c);
    for (int32_t v : d) y[k++] = static_cast<uint32_t>(v);
  }
  for (; k < kOutputs; ++k) y[k] = 0;
}

}  // namespace sramsim::probe
