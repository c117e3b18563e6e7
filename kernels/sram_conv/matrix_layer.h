// Packs a layer for the matrix unit: weight tiles, passes, the converter's table.
#pragma once

#include <string>
#include <vector>

#include "kernels/core/aligned_array.h"
#include "kernels/core/division.h"
#include "kernels/sram_conv/matrix_unit.h"

namespace sramsim::matrix_unit {

/// Owns what a Layer points to.
class PackedLayer {
 public:
  /// Empty, or why the matrix unit cannot compute the layer.
  static std::string refuses(const SramConvSpec& spec);
  /// No partial sum that the weights allow leaves its field: false only where every one of 128 rows of a
  /// column stores a 1.
  static bool fits(const SramConvSpec& spec, const int8_t* codes);

  /// Of a spec that is not refused and codes that fit.
  PackedLayer(const SramConvSpec& spec, const int8_t* codes);
  PackedLayer(const PackedLayer&) = delete;
  PackedLayer& operator=(const PackedLayer&) = delete;

  const Layer& view() const { return layer_; }
  int channel_blocks() const { return ceil_div(layer_.o, kChannels); }
  /// Of a strip of so many blocks.
  int64_t activation_bytes(int blocks) const {
    return layer_.shared ? layer_.halves * layer_.half_bytes : blocks * layer_.block_bytes;
  }

 private:
  void pack_activations(const SramConvSpec& spec);
  void pack_runs(const SramConvSpec& spec);
  void place_windows();
  bool place_shared_rows();
  void pack_passes(const SramConvSpec& spec, const int8_t* codes);
  AlignedArray<uint8_t> weight_tiles(const SramConvSpec& spec, const int8_t* codes,
                                     const std::vector<int>& planes) const;
  void pack_converters(const SramConvSpec& spec);

  Layer layer_{};
  std::vector<Run> runs_;
  std::vector<Slice> shared_slices_;
  std::vector<int64_t> group_places_;
  std::vector<AlignedArray<uint8_t>> weights_;
  std::vector<std::vector<uint32_t>> dots_;
  std::vector<Pass> passes_;
  std::vector<Converter> converters_;
};

}  // namespace sramsim::matrix_unit
