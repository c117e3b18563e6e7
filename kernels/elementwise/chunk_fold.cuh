// Reductions in the order of the CPU's loops (kernels/core/parallel.h, loops_impl.h), so that their doubles
// round alike: the elements are cut into chunks of kChunk; within a chunk, lane l of 16 adds elements l,
// l+16, l+32, ...; the lanes are added in order, then the chunks.
//
// One block folds one chunk. All its threads form values (reading and writing memory side by side) and put
// them into shared memory, a slice at a time; 16 threads, one a lane, add them up from there. A chain of 1024
// additions per lane is the price of the order; the blocks of a device hide it behind each other's memory
// accesses.
#pragma once

#include "kernels/core/chunk.h"
#include "kernels/cuda/ptx.h"

namespace sramsim::cuda {

inline constexpr int kFoldLanes = 16;
inline constexpr int kFoldThreads = 256;
inline constexpr int kFoldSlice =
    2048;  ///< elements in shared memory at a time, a multiple of 16 * kFoldUnroll
inline constexpr int kFoldUnroll = 8;  ///< loads in flight per lane

/// Words that one State takes in shared memory.
template <class Op>
inline constexpr int kStateWords = sizeof(typename Op::State) / 4;
template <class Op>
inline constexpr int kFoldSharedBytes = (kFoldSlice + kFoldLanes * kStateWords<Op>)*4;

SRAMSIM_DEVICE uint32_t float_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
SRAMSIM_DEVICE float bits_float(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

template <class State>
SRAMSIM_DEVICE void store_state(ptx::SharedAddress at, const State& state) {
  uint32_t words[sizeof(State) / 4];
  memcpy(words, &state, sizeof(State));
  for (size_t k = 0; k < sizeof(State) / 4; ++k)
    ptx::shared_store(at + 4 * static_cast<uint32_t>(k), words[k]);
}
template <class State>
SRAMSIM_DEVICE State load_state(ptx::SharedAddress at) {
  uint32_t words[sizeof(State) / 4];
  for (size_t k = 0; k < sizeof(State) / 4; ++k)
    words[k] = ptx::shared_load(at + 4 * static_cast<uint32_t>(k));
  State state;
  memcpy(&state, words, sizeof(State));
  return state;
}

/// Lane `lane` adds its elements of a slice of n values.
template <class Op>
SRAMSIM_DEVICE void fold_slice(const Op& op, int lane, int n, typename Op::State& state) {
  const ptx::SharedAddress values = ptx::shared_base() + 4 * static_cast<uint32_t>(lane);
  int k = lane;
  for (; k + kFoldLanes * (kFoldUnroll - 1) < n; k += kFoldLanes * kFoldUnroll) {
    float v[kFoldUnroll];
    SRAMSIM_UNROLL
    for (int u = 0; u < kFoldUnroll; ++u)
      v[u] = bits_float(ptx::shared_load(values + 4 * static_cast<uint32_t>(k - lane + u * kFoldLanes)));
    SRAMSIM_UNROLL
    for (int u = 0; u < kFoldUnroll; ++u) op.add(state, v[u]);
  }
  for (; k < n; k += kFoldLanes)
    op.add(state, bits_float(ptx::shared_load(values + 4 * static_cast<uint32_t>(k - lane))));
}

/// grid: chunks of `op.count`, block: kFoldThreads, shared: kFoldSharedBytes. Op gives count, value(i),
/// called once per element, State (zero at the start, whole words), add(state, value), merge(all, lane) and
/// partial[chunk].
template <class Op>
SRAMSIM_DEVICE void chunk_fold_body(const Op& op) {
  const size_t begin = static_cast<size_t>(ptx::block_index()) * kChunk;
  const size_t end = begin + kChunk < op.count ? begin + kChunk : op.count;
  const int thread = ptx::thread_index();
  const ptx::SharedAddress values = ptx::shared_base(), states = values + 4 * kFoldSlice;
  typename Op::State state{};
  for (size_t slice = begin; slice < end; slice += kFoldSlice) {
    const int n = static_cast<int>(end - slice < kFoldSlice ? end - slice : kFoldSlice);
    for (int k = thread; k < n; k += ptx::block_size())
      ptx::shared_store(values + 4 * static_cast<uint32_t>(k), float_bits(op.value(slice + k)));
    ptx::block_sync();
    if (thread < kFoldLanes) fold_slice(op, thread, n, state);
    ptx::block_sync();
  }
  if (thread < kFoldLanes) store_state(states + 4 * static_cast<uint32_t>(thread * kStateWords<Op>), state);
  ptx::block_sync();
  if (thread != 0) return;
  typename Op::State all{};
  for (int lane = 0; lane < kFoldLanes; ++lane)
    op.merge(all, load_state<typename Op::State>(states + 4 * static_cast<uint32_t>(lane * kStateWords<Op>)));
  op.partial[ptx::block_index()] = all;
}

}  // namespace sramsim::cuda
