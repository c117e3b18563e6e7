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

/// The value of an e4m3 byte: sign, four bits of exponent (bias 7), three of significand.
double value_of_e4m3(uint8_t byte);
/// The nearest half, ties to even, of a value within its range, as bits.
uint32_t half_of(double value);

/// wgmma m64n64k32, e4m3 by e4m3 to f16, and m64n64k256 and m64n128k256, bits by bits to s32: "Register
/// Fragments and Shared Memory Matrix Layouts" and "Matrix Descriptor Format" of the PTX ISA. Both read 32
/// bytes of a row.
enum class WarpgroupProduct { kE4m3, kAndPopc, kAndPopcWide };
constexpr int columns(WarpgroupProduct product) {
  return product == WarpgroupProduct::kAndPopcWide ? 128 : 64;
}
struct WarpgroupOperands {
  uint64_t a, b;  ///< descriptors
};
/// What a thread holds, before it is rounded: value[4*j + 2*h + x] is column 8j + 2t + x of row g + 8h.
struct WarpgroupResult {
  double value[64];
};
/// The registers a thread holds it in, and their number: pairs of halves, or integers.
int warpgroup_registers(WarpgroupProduct product);
uint32_t warpgroup_register(WarpgroupProduct product, const WarpgroupResult& result, int r);

/// Units of a descriptor's operand: the 16 bytes `half` of row (or column) `row`.
uint32_t descriptor_unit(uint64_t descriptor, int row, int half);

/// `load(address, unit)` reads shared memory.
template <typename Load>
void touch_operands(WarpgroupProduct product, int thread, const WarpgroupOperands& operands, Load load) {
  Unit unit;
  for (int h = 0; h < 4; ++h)
    load(descriptor_unit(operands.a, thread / 32 * 16 + thread % 32 / 4 + h / 2 * 8, h % 2), unit);
  for (int j = 0; j < columns(product) / 8; ++j)
    for (int x = 0; x < 4; ++x)
      load(descriptor_unit(operands.b, 8 * j + thread % 4 * 2 + x / 2, x % 2), unit);
}

/// The product of a row's and a column's 32 bytes.
double warpgroup_dot(WarpgroupProduct product, const Unit (&row)[2], const Unit (&column)[2]);

/// Thread 0..127 of a warpgroup: before + a * b.
template <typename Load>
WarpgroupResult warpgroup_product(WarpgroupProduct product, int thread, const WarpgroupOperands& operands,
                                  const WarpgroupResult& before, Load load) {
  WarpgroupResult result = before;
  Unit rows[2][2], column[2];
  const auto fetch = [&](uint64_t descriptor, int row, Unit(&units)[2]) {
    for (int half = 0; half < 2; ++half) load(descriptor_unit(descriptor, row, half), units[half]);
  };
  const int warp = thread / 32, g = thread % 32 / 4, t = thread % 4;
  for (int h = 0; h < 2; ++h) fetch(operands.a, 16 * warp + g + 8 * h, rows[h]);
  for (int j = 0; j < columns(product) / 8; ++j)
    for (int x = 0; x < 2; ++x) {
      fetch(operands.b, 8 * j + 2 * t + x, column);
      for (int h = 0; h < 2; ++h) result.value[4 * j + 2 * h + x] += warpgroup_dot(product, rows[h], column);
    }
  return result;
}

}  // namespace sramsim::emulator
