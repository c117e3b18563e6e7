// Packs a layer for the carry-save kernels: row vectors, row runs, byte tables, plane weights.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/core/aligned_array.h"
#include "kernels/sram_conv/carry_save.h"

namespace sramsim::carry_save {

/// Owns what a Layer points to.
class PackedLayer {
 public:
  PackedLayer(const SramConvSpec& spec, const int8_t* codes, const Engine& engine);
  PackedLayer(const PackedLayer&) = delete;
  PackedLayer& operator=(const PackedLayer&) = delete;

  const Layer& view() const { return layer_; }
  /// Bytes of one packed image with its padding of zero pixels.
  int64_t image_bytes() const { return image_bytes_; }
  int64_t row_bytes() const { return row_bytes_; }
  int max_pieces() const { return max_pieces_; }

 private:
  void pack_rows(const SramConvSpec& spec);
  void pack_families(const SramConvSpec& spec);
  bool lists_like(const Group& group, const Group& first) const;
  void pack_planes(const SramConvSpec& spec);
  void pack_weights(const SramConvSpec& spec, const int8_t* codes, const Engine& engine);
  void pack_tables(const SramConvSpec& spec, const Engine& engine);

  Layer layer_{};
  int64_t row_bytes_ = 0, image_bytes_ = 0;
  int max_pieces_ = 0;
  std::vector<Run> runs_;
  std::vector<int> run_rows_;  ///< of the weights [O,KH*KW*C], the first of each run
  std::vector<Piece> pieces_;
  std::vector<Group> groups_;
  std::vector<Family> families_;
  std::vector<std::vector<int>> quad_planes_;  ///< weight planes of each quad
  std::vector<int32_t> quad_shift_;
  struct Dots {
    uint32_t words[4][kCells];
  };
  std::vector<Dots> dots_;
  AlignedArray<uint8_t> weights_;
  std::vector<AlignedArray<uint8_t>> table_bytes_;
  AlignedArray<ByteTable> tables_;
  std::vector<SumStep> steps_;
  std::vector<int32_t> position_offset_;
};

}  // namespace sramsim::carry_save
