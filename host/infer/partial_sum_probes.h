// Layer statistics of design points: histograms of the partial sums, taken on the first images only.
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
  /// Statistics over the first `images` images; 0 counts nothing and only describes the layers.
  PartialSumProbes(const QuantisedNetwork& network, const std::vector<DesignPoint>& points,
                   const PointTrie& trie, int64_t images);

  /// Images of a step starting at `first` that a node's probes still want; 0 if it has none.
  int64_t wanted(int node, int64_t first, int64_t n) const;
  /// Counts the partial sums of n images, q host [n,H,W,C].
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

  /// The probe that counted the partial sums of `spec`, or null.
  const Probe* find(int point, int layer, const SramConvSpec& spec) const;

  const QuantisedNetwork& network_;
  const std::vector<DesignPoint>& points_;
  const PointTrie& trie_;
  int64_t images_;
  std::map<int, std::vector<Probe>> probes_;  ///< by node
};

}  // namespace sramsim
