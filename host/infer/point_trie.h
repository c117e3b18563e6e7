// Many design points as a trie over the quantised layers: what several points compute alike is computed once.
//
// A node stands for the activations that enter a quantised layer; its passes are the ways in which some point
// continues from there. Layers whose settings differ but whose numbers cannot (a converter that loses nothing
// is an integer convolution; R = 128 and R = 256 hold 128 channels alike) share one child. Continuations that
// differ only in their ADC share one pass: the partial sums are formed once, each table is applied to them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/infer/design_point.h"
#include "host/infer/quantised_network.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim {

struct TriePass {
  SramConvSpec spec;          ///< one table per child
  std::vector<int> children;  ///< node indices, in the order of spec.adcs
  std::vector<int> effects;   ///< what tells the children apart (PointTrie::Effect::id)
  bool forced = false;        ///< computed by the variant that the user chose
  std::unique_ptr<SramConvPlan> plan;
  std::string kernel;  ///< variant the backend chose
};

struct TrieNode {
  int layer = 0;  ///< quantised layer that its activations enter; the number of layers for a leaf (logits)
  std::vector<TriePass> passes;
};

struct TrieOptions {
  std::string
      kernel{};       ///< forces this variant for everything on arrays, lossless or not; empty: the best one
  int max_adcs = 16;  ///< most ADC tables in one pass
};

class PointTrie {
 public:
  /// InputError naming the layer for settings that do not fit it.
  PointTrie(const QuantisedNetwork& network, const std::vector<DesignPoint>& points,
            const TrieOptions& options);

  /// Packs the weights of every pass. InputError naming the layer if a forced variant refuses.
  void make_plans(Backend& backend, const QuantisedNetwork& network);

  const std::vector<TrieNode>& nodes() const { return nodes_; }  ///< nodes()[0] is the root
  /// Nodes on the way of point p: path(p)[l] enters layer l, the last one is its leaf.
  const std::vector<int>& path(int p) const { return paths_[p]; }
  /// The pass by which point p leaves layer l.
  const TriePass& pass(int p, int l) const;
  int leaves() const { return leaves_; }
  int widest_pass(int layer) const;  ///< most ADCs of any pass out of this layer

 private:
  struct Effect;
  int child(int node, const Effect& effect);
  int add_node(int layer);

  TrieOptions options_;
  std::vector<TrieNode> nodes_;
  std::vector<std::vector<int>> paths_;
  int layers_ = 0;
  int leaves_ = 0;
};

/// True if both form the same partial sums in the same places: everything but the converters.
bool same_partial_sums(const SramConvSpec& a, const SramConvSpec& b);

}  // namespace sramsim
