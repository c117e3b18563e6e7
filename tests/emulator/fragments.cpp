#include "tests/emulator/fragments.h"

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

}  // namespace sramsim::emulator
