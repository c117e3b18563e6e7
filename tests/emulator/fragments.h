// What the warp-wide instructions of kernels/cuda/ptx.h do, lane by lane, written from the PTX ISA's fragment
// tables: "Matrix Fragments for mma.m16n8k128 / m16n8k256 with .b1", "... m16n8k32 with .u8/.s8" and
// "ldmatrix". Arrays are indexed by lane first. No part of this is derived from the kernels, so a wrong index
// there cannot cancel.
#pragma once

#include <cstdint>

#include "kernels/cuda/ptx.h"

namespace sramsim::emulator {

inline constexpr int kLanes = 32;

/// Operands and result of one mma in one lane. k128 uses a[0..1] and b[0].
struct MmaLane {
  uint32_t a[4];
  uint32_t b[2];
  int32_t c[4];
  int32_t d[4];
};

void mma_and_popc_m16n8k128(MmaLane* const (&lanes)[kLanes]);
void mma_and_popc_m16n8k256(MmaLane* const (&lanes)[kLanes]);
void mma_u8s8_m16n8k32(MmaLane* const (&lanes)[kLanes]);

/// rows[l]: the 16 bytes that lane l's address points to; r[l][m] = lane l's register for matrix m.
void ldmatrix_m8n8_x4(const Unit (&rows)[kLanes], uint32_t (&r)[kLanes][4]);

}  // namespace sramsim::emulator
