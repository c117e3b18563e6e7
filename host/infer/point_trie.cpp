#include "host/infer/point_trie.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kernels/core/error.h"

namespace sramsim {

bool same_partial_sums(const SramConvSpec& a, const SramConvSpec& b) {
  // R itself is left out: it only says how many rows stay empty.
  return a.encoding == b.encoding && a.dac_bits == b.dac_bits && a.act_bits == b.act_bits &&
         a.weight_bits == b.weight_bits && a.shape == b.shape && a.rows.group_begin == b.rows.group_begin &&
         a.rows.segments == b.rows.segments;
}

/// What a layer does at a point, reduced to what changes its numbers.
struct PointTrie::Effect {
  SramConvSpec spec;
  bool forced = false;  ///< a forced kernel computes it even where it is lossless
  int id = 0;           ///< equal effects of a layer have the same one

  const AdcTable& adc() const { return spec.adcs.front(); }
  bool same_as(const Effect& other) const {
    return forced == other.forced && adc() == other.adc() && same_partial_sums(spec, other.spec);
  }
};

namespace {

/// Settings seen so far at one layer and their effects. A search by equality, not by a key made of the
/// settings, so that a new setting cannot be forgotten here.
template <typename Effect>
struct EffectCache {
  std::vector<std::pair<std::optional<ArraySettings>, int>> seen;
  std::vector<Effect> effects;

  template <typename Make>
  const Effect& get(const std::optional<ArraySettings>& settings, const Make& make) {
    for (const auto& [known, id] : seen)
      if (known == settings) return effects[id];
    Effect made = make();
    size_t id = 0;
    while (id < effects.size() && !effects[id].same_as(made)) ++id;
    made.id = static_cast<int>(id);
    if (id == effects.size()) effects.push_back(std::move(made));
    seen.emplace_back(settings, static_cast<int>(id));
    return effects[id];
  }
};

}  // namespace

PointTrie::PointTrie(const QuantisedNetwork& network, const std::vector<DesignPoint>& points,
                     const TrieOptions& options)
    : options_(options), layers_(static_cast<int>(network.layers().size())) {
  const auto effect_of = [&](int l, const std::optional<ArraySettings>& settings) {
    Effect made{make_layer_spec(network, l, settings), settings.has_value() && !options_.kernel.empty()};
    if (!made.forced && made.adc().lossless()) made.spec = make_layer_spec(network, l, std::nullopt);
    return made;
  };
  std::vector<EffectCache<Effect>> caches(layers_);
  add_node(0);
  for (const DesignPoint& point : points) {
    if (static_cast<int>(point.layers.size()) != layers_)
      throw InputError(
          fmt::format("a design point has {} layers, the network {}", point.layers.size(), layers_));
    std::vector<int> path{0};
    for (int l = 0; l < layers_; ++l) {
      const auto& settings = point.layers[l];
      path.push_back(child(path.back(), caches[l].get(settings, [&] { return effect_of(l, settings); })));
    }
    paths_.push_back(std::move(path));
  }
}

int PointTrie::add_node(int layer) {
  nodes_.push_back({layer, {}});
  if (layer == layers_) ++leaves_;
  return static_cast<int>(nodes_.size()) - 1;
}

int PointTrie::child(int node, const Effect& effect) {
  for (const TriePass& pass : nodes_[node].passes) {
    const auto known = std::find(pass.effects.begin(), pass.effects.end(), effect.id);
    if (known != pass.effects.end()) return pass.children[known - pass.effects.begin()];
  }
  const int made = add_node(nodes_[node].layer + 1);
  auto& passes = nodes_[node].passes;
  // Lossless converters stay alone: a lossy table beside them would forbid the integer convolution.
  const bool alone = effect.adc().lossless();
  auto pass = std::find_if(passes.begin(), passes.end(), [&](const TriePass& p) {
    return !alone && !p.spec.adcs.front().lossless() &&
           static_cast<int>(p.children.size()) < options_.max_adcs && p.forced == effect.forced &&
           same_partial_sums(p.spec, effect.spec);
  });
  if (pass == passes.end()) {
    TriePass opened;
    opened.spec = effect.spec;
    opened.spec.adcs.clear();
    opened.forced = effect.forced;
    pass = passes.insert(passes.end(), std::move(opened));
  }
  pass->spec.adcs.push_back(effect.adc());
  pass->children.push_back(made);
  pass->effects.push_back(effect.id);
  return made;
}

void PointTrie::make_plans(Backend& backend, const QuantisedNetwork& network) {
  for (TrieNode& node : nodes_)
    for (TriePass& pass : node.passes) {
      const QuantisedLayer& layer = network.layers()[node.layer];
      try {
        pass.plan = backend.plan_sram_conv(pass.spec, layer.codes.data(), pass.forced ? options_.kernel : "",
                                           &pass.kernel);
      } catch (const InputError& e) {
        throw InputError(fmt::format("layer {}: {}", layer.name, e.what()));
      }
    }
}

const TriePass& PointTrie::pass(int p, int l) const {
  const int next = paths_[p][l + 1];
  const auto& passes = nodes_[paths_[p][l]].passes;
  return *std::find_if(passes.begin(), passes.end(), [&](const TriePass& pass) {
    return std::find(pass.children.begin(), pass.children.end(), next) != pass.children.end();
  });
}

int PointTrie::widest_pass(int layer) const {
  size_t widest = 0;
  for (const TrieNode& node : nodes_)
    if (node.layer == layer)
      for (const TriePass& pass : node.passes) widest = std::max(widest, pass.children.size());
  return static_cast<int>(widest);
}

}  // namespace sramsim
