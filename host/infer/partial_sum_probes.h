// Layer statistics of design points, taken on the first images only: set input bits and histograms of the
// partial sums.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "host/infer/design_point.h"
#include "host/infer/layer_histogram.h"
#include "host/infer/layer_statistics.h"
#include "host/infer/point_trie.h"

namespace sramsim {

/// A layer that loses nothing is computed as an integer convolution and shares a trie node with the digital
/// one; its statistics still are those of the subarrays that the point asked for. So the probes hold each
/// point's own problem, and hang on the node whose activations enter it.
class PartialSumProbes {
 public:
  /// Statistics over the first `images` images; 0 counts nothing and only describes the layers. Without
  /// `histograms` only the set input bits are counted.
  PartialSumProbes(const QuantisedNetwork& network, const std::vector<DesignPoint>& points,
                   const PointTrie& trie, int64_t images, bool histograms = true);

  /// Images of a step starting at `first` that are still wanted.
  int64_t wanted(int64_t first, int64_t n) const;
  /// Counts n images that enter the node's layer, q host [n,H,W,C].
  void count(int node, const uint8_t* q, int n);
  LayerStatistics statistics(int point, int layer) const;
  /// Nothing for a digital layer, or if no image was counted.
  std::optional<LayerHistogram> histogram(int point, int layer) const;

 private:
  struct Probe {
    SramConvSpec spec;
    std::vector<uint64_t> counts;  ///< [p_max + 1]
    int64_t images = 0;
  };
  struct SetBits {
    int64_t set = 0, images = 0;
  };

  /// The probe that counted the partial sums of `spec`, or null.
  const Probe* find(int point, int layer, const SramConvSpec& spec) const;

  const QuantisedNetwork& network_;
  const std::vector<DesignPoint>& points_;
  const PointTrie& trie_;
  int64_t images_;
  std::map<int, std::vector<Probe>> probes_;  ///< by node
  std::vector<SetBits> bits_;                 ///< by node
};

}  // namespace sramsim
