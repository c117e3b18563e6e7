#include "tests/emulator/fragments.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace sramsim::emulator {
namespace {

/// Row and column of element i of a lane's fragment, as the ISA's tables give them.
struct Place {
  int row, col;
};

int group_of(int lane) {
  return lane >> 2;
}
int thread_of(int lane) {
  return lane % 4;
}

Place accumulator_place(int lane, int i) {
  return {i < 2 ? group_of(lane) : group_of(lane) + 8, thread_of(lane) * 2 + (i & 1)};
}
Place a_k128(int lane, int i) {
  return {i < 32 ? group_of(lane) : group_of(lane) + 8, thread_of(lane) * 32 + (i & 0x1F)};
}
Place b_k128(int lane, int i) {
  return {thread_of(lane) * 32 + i, group_of(lane)};
}
Place a_k256(int lane, int i) {
  const bool upper = i < 32 || (64 <= i && i < 96);
  return {upper ? group_of(lane) : group_of(lane) + 8,
          thread_of(lane) * 32 + (i & 0x1F) + (i < 64 ? 0 : 128)};
}
Place b_k256(int lane, int i) {
  return {thread_of(lane) * 32 + (i & 0x1F) + (i < 32 ? 0 : 128), group_of(lane)};
}
Place a_k32(int lane, int i) {
  const bool upper = i < 4 || (8 <= i && i < 12);
  return {upper ? group_of(lane) : group_of(lane) + 8, thread_of(lane) * 4 + (i & 3) + (i < 8 ? 0 : 16)};
}
Place b_k32(int lane, int i) {
  return {thread_of(lane) * 4 + (i & 3) + (i < 4 ? 0 : 16), group_of(lane)};
}

/// The binary products: a register is 32 consecutive columns of one row, so whole words are spread and
/// counted.
template <int kDepth, typename PlaceA, typename PlaceB>
void multiply_bits(MmaLane* const (&lanes)[kLanes], PlaceA place_a, PlaceB place_b) {
  constexpr int kWords = kDepth / 32;
  uint32_t a[16][kWords], b[8][kWords];
  for (int lane = 0; lane < kLanes; ++lane) {
    for (int r = 0; r < kDepth / 64; ++r) {
      const Place at = place_a(lane, 32 * r);
      a[at.row][at.col / 32] = lanes[lane]->a[r];
    }
    for (int r = 0; r < kDepth / 128; ++r) {
      const Place at = place_b(lane, 32 * r);
      b[at.col][at.row / 32] = lanes[lane]->b[r];
    }
  }
  for (int lane = 0; lane < kLanes; ++lane)
    for (int i = 0; i < 4; ++i) {
      const Place at = accumulator_place(lane, i);
      int32_t sum = lanes[lane]->c[i];
      for (int k = 0; k < kWords; ++k) sum += __builtin_popcount(a[at.row][k] & b[at.col][k]);
      lanes[lane]->d[i] = sum;
    }
}

void multiply_bytes(MmaLane* const (&lanes)[kLanes]) {
  constexpr int kDepth = 32;
  int32_t a[16][kDepth], b[8][kDepth];
  for (int lane = 0; lane < kLanes; ++lane) {
    for (int i = 0; i < 16; ++i) {
      const Place at = a_k32(lane, i);
      a[at.row][at.col] = static_cast<int32_t>(lanes[lane]->a[i / 4] >> (i % 4 * 8) & 0xff);
    }
    for (int i = 0; i < 8; ++i) {
      const Place at = b_k32(lane, i);
      b[at.col][at.row] = static_cast<int8_t>(lanes[lane]->b[i / 4] >> (i % 4 * 8) & 0xff);
    }
  }
  for (int lane = 0; lane < kLanes; ++lane)
    for (int i = 0; i < 4; ++i) {
      const Place at = accumulator_place(lane, i);
      int32_t sum = lanes[lane]->c[i];
      for (int k = 0; k < kDepth; ++k) sum += a[at.row][k] * b[at.col][k];
      lanes[lane]->d[i] = sum;
    }
}

}  // namespace

void mma_and_popc_m16n8k128(MmaLane* const (&lanes)[kLanes]) {
  multiply_bits<128>(lanes, a_k128, b_k128);
}
void mma_and_popc_m16n8k256(MmaLane* const (&lanes)[kLanes]) {
  multiply_bits<256>(lanes, a_k256, b_k256);
}
void mma_u8s8_m16n8k32(MmaLane* const (&lanes)[kLanes]) {
  multiply_bytes(lanes);
}

void ldmatrix_m8n8_x4(const Unit (&rows)[kLanes], uint32_t (&r)[kLanes][4]) {
  for (int matrix = 0; matrix < 4; ++matrix)
    for (int row = 0; row < 8; ++row)
      for (int word = 0; word < 4; ++word) r[4 * row + word][matrix] = rows[8 * matrix + row].word[word];
}

double value_of_e4m3(uint8_t byte) {
  static const auto table = [] {
    std::array<double, 256> values{};
    for (int b = 0; b < 256; ++b) {
      const int exponent = b >> 3 & 15, significand = b & 7;
      const double magnitude =
          exponent == 0 ? std::ldexp(significand, -9) : std::ldexp(8 + significand, exponent - 10);
      values[b] = (b & 128) != 0 ? -magnitude : magnitude;
    }
    return values;
  }();
  return table[byte];
}

uint32_t half_of(double value) {
  const uint32_t sign = std::signbit(value) ? 0x8000u : 0u;
  const double magnitude = std::abs(value);
  if (magnitude == 0.0) return sign;
  const int exponent = std::max(std::ilogb(magnitude), -14);
  const auto significand =
      static_cast<uint32_t>(std::lrint(std::ldexp(magnitude, 10 - exponent)));  // 0..2048
  // A significand of 2048 carries into the exponent by itself; below 1024 the half is subnormal.
  return sign + (static_cast<uint32_t>(exponent + 14) << 10) + significand;
}

int warpgroup_registers(WarpgroupProduct product) {
  return product == WarpgroupProduct::kE4m3 ? 16 : columns(product) / 2;
}

uint32_t warpgroup_register(WarpgroupProduct product, const WarpgroupResult& result, int r) {
  if (product != WarpgroupProduct::kE4m3) return static_cast<uint32_t>(result.value[r]);
  return half_of(result.value[2 * r]) | half_of(result.value[2 * r + 1]) << 16;
}

double warpgroup_dot(WarpgroupProduct product, const Unit (&row)[2], const Unit (&column)[2]) {
  double sum = 0;
  for (int half = 0; half < 2; ++half)
    for (int w = 0; w < 4; ++w) {
      const uint32_t a = row[half].word[w], b = column[half].word[w];
      if (product != WarpgroupProduct::kE4m3) {
        sum += __builtin_popcount(a & b);
        continue;
      }
      for (int shift = 0; shift < 32; shift += 8)
        sum +=
            value_of_e4m3(static_cast<uint8_t>(a >> shift)) * value_of_e4m3(static_cast<uint8_t>(b >> shift));
    }
  return sum;
}

uint32_t descriptor_unit(uint64_t descriptor, int row, int half) {
  const auto field = [&](int first) { return static_cast<uint32_t>(descriptor >> first & 0x3FFF) << 4; };
  return field(0) + static_cast<uint32_t>(row / 8) * field(32) + static_cast<uint32_t>(row % 8) * 16 +
         static_cast<uint32_t>(half) * field(16);
}

}  // namespace sramsim::emulator
