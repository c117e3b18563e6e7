// The order in which the matrix-unit kernel works: passes, in them chunks of row groups, in them the blocks
// of a strip, in them couples. Included by the source that is compiled for AMX and, like everything there, in
// its unnamed namespace.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/core/macros.h"
#include "kernels/sram_conv/matrix_gather_impl.h"
#include "kernels/sram_conv/matrix_unit.h"

namespace sramsim::matrix_unit {
namespace {

/// Weights of the row groups that are worked on together, which share a first-level cache with the partial
/// sums of their couples.
constexpr int kChunkBytes = 8 << 10;
constexpr int kMaxCouples = kChunkBytes / kTileBytes;  ///< of a block in one chunk
static_assert(kMaxCouples >= kMaxPlanes && kMaxCouples % 2 == 0);

/// The blocks of a strip and the output channels they meet.
struct Work {
  const Layer& layer;
  const Strip& strip;
  const Blocks& blocks;
  int channel_block;
};

/// Some row groups of a pass. Each block has their couples, row groups outside, planes inside; then comes the
/// next block, and after the last one the next chunk.
struct Chunk {
  int begin, end;  ///< row groups
  int couples;
  const uint8_t* weights;
};

/// Cuts the row groups of a pass into chunks.
class Chunks {
 public:
  SRAMSIM_INLINE Chunks(const Work& work, const Pass& pass)
      : planes_(pass.planes),
        groups_(work.layer.groups),
        group_bytes_(int64_t{pass.planes} * work.layer.slices * kTileBytes),
        together_(std::clamp(static_cast<int>(kChunkBytes / group_bytes_), 1, kMaxCouples / pass.planes)),
        weights_(pass.weights + int64_t{work.channel_block} * groups_ * group_bytes_) {}

  SRAMSIM_INLINE Chunk first() const { return from(0); }
  SRAMSIM_INLINE bool is_last(const Chunk& chunk) const { return chunk.end == groups_; }
  SRAMSIM_INLINE Chunk after(const Chunk& chunk) const { return from(chunk.end); }

 private:
  SRAMSIM_INLINE Chunk from(int begin) const {
    const int end = std::min(begin + together_, groups_);
    return {begin, end, (end - begin) * planes_, weights_ + begin * group_bytes_};
  }

  int planes_;
  int groups_;
  int64_t group_bytes_;
  int together_;
  const uint8_t* weights_;
};

/// Which couple is begun next. Couples are worked on in twos: an odd one out of a block comes twice. Past the
/// last couple, the last block comes again.
class Cursor {
 public:
  SRAMSIM_INLINE Cursor(const Work& work, const Pass& pass, const Chunks& chunks)
      : chunks_(chunks),
        chunk_(chunks.first()),
        planes_(pass.planes),
        weight_step_(work.layer.slices * kTileBytes),
        half_(pass.half * work.layer.half_bytes),
        group_places_(work.layer.group_places),
        first_block_(work.blocks.places),
        last_block_(first_block_ + work.blocks.count - 1),
        block_(first_block_) {
    enter_block();
  }

  SRAMSIM_INLINE bool at_first_plane() const { return plane_ == 0; }
  SRAMSIM_INLINE const uint8_t* activations() const { return activations_; }
  SRAMSIM_INLINE const uint8_t* weights() const { return weights_; }
  SRAMSIM_INLINE void advance() {
    if (--left_ > 0) {
      weights_ += weight_step_;
      if (++plane_ == planes_) plane_ = 0, enter_group(group_ + 1);
    } else if (left_ < 0 || chunk_.couples % 2 == 0) {
      next_block();
    }
  }

 private:
  SRAMSIM_INLINE void next_block() {
    if (block_ != last_block_) {
      ++block_;
    } else if (!chunks_.is_last(chunk_)) {
      chunk_ = chunks_.after(chunk_);
      block_ = first_block_;
    }
    enter_block();
  }
  SRAMSIM_INLINE void enter_block() {
    weights_ = chunk_.weights;
    left_ = chunk_.couples;
    plane_ = 0;
    enter_group(group_places_ + chunk_.begin);
  }
  SRAMSIM_INLINE void enter_group(const int64_t* group) {
    group_ = group;
    activations_ = *block_ + half_ + *group;
  }

  const Chunks& chunks_;
  Chunk chunk_;
  int planes_;
  int64_t weight_step_, half_;
  const int64_t* group_places_;
  const uint8_t *const *first_block_, *const *last_block_, *const *block_;
  const uint8_t *activations_ = nullptr, *weights_ = nullptr;
  const int64_t* group_ = nullptr;
  int left_ = 0, plane_ = 0;
};

}  // namespace
}  // namespace sramsim::matrix_unit
