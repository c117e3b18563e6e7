// The lane layouts against the PTX ISA's tables once more, element by element and written the other way
// round: from the matrix to the registers. And the scalar twins against arithmetic that cannot round.
#include "tests/emulator/fragments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/sram_conv/sram_epilogue.cuh"
#include "kernels/sram_conv/sram_pack_cuda.h"
#include "tests/cases.h"

namespace sramsim::emulator {
namespace {

struct Range {
  int low, high;
};

/// A 16 x depth matrix and a depth x 8 matrix, and the registers that hold them: with 16-byte units along K,
/// word t of unit u, as the header of ptx.h states the layout.
struct Filled {
  std::vector<int> a, b;
  MmaLane lanes[kLanes] = {};
  MmaLane* pointers[kLanes];

  Filled(int depth, int bits, Range range_a, Range range_b, uint64_t seed) {
    cases::Random random(seed);
    const int per_word = 32 / bits, per_unit = 4 * per_word;
    const uint32_t mask = bits == 1 ? 1 : 0xff;
    for (int k = 0; k < 16 * depth; ++k) a.push_back(random.range(range_a.low, range_a.high));
    for (int k = 0; k < 8 * depth; ++k) b.push_back(random.range(range_b.low, range_b.high));
    for (int k = 0; k < depth; ++k) {
      const int word = k % per_unit / per_word, shift = k % per_word * bits;
      for (int row = 0; row < 16; ++row)
        lanes[row % 8 * 4 + word].a[2 * (k / per_unit) + row / 8] |=
            (static_cast<uint32_t>(a[row * depth + k]) & mask) << shift;
      for (int column = 0; column < 8; ++column)
        lanes[column * 4 + word].b[k / per_unit] |= (static_cast<uint32_t>(b[column * depth + k]) & mask)
                                                    << shift;
    }
    for (int l = 0; l < kLanes; ++l) {
      pointers[l] = &lanes[l];
      for (int32_t& c : lanes[l].c) c = random.range(-1000, 1000);
    }
  }
  Filled(const Filled&) = delete;
};

void expect_product(const Filled& f, int depth) {
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column) {
      const MmaLane& lane = f.lanes[row % 8 * 4 + column / 2];
      const int k = row / 8 * 2 + column % 2;
      int sum = lane.c[k];
      for (int d = 0; d < depth; ++d) sum += f.a[row * depth + d] * f.b[column * depth + d];
      ASSERT_EQ(lane.d[k], sum) << "row " << row << " column " << column;
    }
}

TEST(Fragments, BinaryProducts) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Filled shallow(128, 1, {0, 1}, {0, 1}, seed), deep(256, 1, {0, 1}, {0, 1}, seed);
    mma_and_popc_m16n8k128(shallow.pointers);
    expect_product(shallow, 128);
    mma_and_popc_m16n8k256(deep.pointers);
    expect_product(deep, 256);
  }
}

TEST(Fragments, ByteProductHasUnsignedRowsAndSignedColumns) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Filled f(32, 8, {0, 255}, {-128, 127}, seed);
    mma_u8s8_m16n8k32(f.pointers);
    expect_product(f, 32);
  }
}

TEST(Fragments, LoadedMatricesAreWordsOfRows) {
  Unit rows[kLanes];
  for (int l = 0; l < kLanes; ++l)
    for (int w = 0; w < 4; ++w) rows[l].word[w] = static_cast<uint32_t>(100 * l + w);
  uint32_t r[kLanes][4];
  ldmatrix_m8n8_x4(rows, r);
  for (int l = 0; l < kLanes; ++l)
    for (int m = 0; m < 4; ++m) EXPECT_EQ(r[l][m], static_cast<uint32_t>(100 * (8 * m + l / 4) + l % 4));
}

/// Value of a finite half.
double half_value(uint32_t h) {
  const int exponent = static_cast<int>(h >> 10 & 31), fraction = static_cast<int>(h & 1023);
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return h & 0x8000u ? -magnitude : magnitude;
}

/// The half nearest to x in [0, 1], by search: ties to even.
uint32_t nearest_half(double x) {
  uint32_t low = 0, high = 0x3C00;
  while (high - low > 1) {
    const uint32_t middle = (low + high) / 2;
    (half_value(middle) <= x ? low : high) = middle;
  }
  const double below = x - half_value(low), above = half_value(high) - x;
  if (below != above) return below < above ? low : high;
  return low % 2 == 0 ? low : high;
}

/// The bytes that spreading makes of a word's bits and those of the weights, of every one of 128 channels.
TEST(Float8, EveryChannelsProductIsTheSame) {
  std::vector<bool> met(128);
  for (int c = 0; c < 128; ++c) {
    const int place = cuda::plane_place(c), k = place % 8;
    EXPECT_FALSE(met[static_cast<size_t>(place)]) << c;
    met[static_cast<size_t>(place)] = true;
    EXPECT_EQ(place / 32, c / 32);
    EXPECT_EQ(k / 4, c % 32 / 16) << "half of 32 channels, " << c;
    const double activation = value_of_e4m3(static_cast<uint8_t>(k < 7 ? 1 << k : 1));
    EXPECT_EQ(activation * value_of_e4m3(cuda::kFloat8Weights[k]), 0x1p-8) << c;
  }
}

TEST(ScalarTwins, HalfMultiplyAddRoundsOnce) {
  cases::Random random(3);
  for (int k = 0; k < 200000; ++k) {
    // Exponents close enough for the double sum to be exact: what the converter forms use, and around it.
    const uint32_t a = static_cast<uint32_t>(random.range(0, 0x07ff)),
                   b = static_cast<uint32_t>(random.range(0, 0x77ff)),
                   c = static_cast<uint32_t>(random.range(0x2000, 0x3C00)) |
                       (random.range(0, 1) ? 0x8000u : 0u);
    const double sum = half_value(a) * half_value(b) + half_value(c);
    const uint32_t want = sum <= 0 ? 0 : sum >= 1 ? 0x3C00 : nearest_half(sum);
    ASSERT_EQ(ptx::fma_saturate_half(a, b, c), want) << a << " " << b << " " << c;
    ASSERT_EQ(ptx::fma_saturate_half2(a | b << 16, b | a << 16, c | c << 16), want | want << 16);
  }
}

TEST(ScalarTwins, FloatMultiplyAddKeepsSubnormals) {
  for (uint32_t p = 0; p <= 5000; ++p)
    EXPECT_EQ(ptx::fma_saturate(p, 0x1p125f, 1.0f - 255 * 0x1p-24f), 0x3F800000u - 255 + std::min(p, 255u));
  for (uint32_t p = 0; p <= 5000; ++p) EXPECT_EQ(ptx::fma_bits(p, 0x1p125f, 0x3F400000u), 0x3F400000u + p);
}

}  // namespace
}  // namespace sramsim::emulator
