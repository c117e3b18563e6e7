#include "host/infer/partial_sum_probes.h"

#include <algorithm>

#include "host/infer/bit_density.h"

namespace sramsim {

PartialSumProbes::PartialSumProbes(const QuantisedNetwork& network, const std::vector<DesignPoint>& points,
                                   const PointTrie& trie, int64_t images, bool histograms)
    : network_(network), points_(points), trie_(trie), images_(images), bits_(trie.nodes().size()) {
  if (images_ == 0 || !histograms) return;
  for (size_t p = 0; p < points.size(); ++p)
    for (size_t l = 0; l < network.layers().size(); ++l) {
      if (!points[p].layers[l]) continue;
      SramConvSpec spec = make_layer_spec(network, static_cast<int>(l), points[p].layers[l]);
      auto& here = probes_[trie.path(static_cast<int>(p))[l]];
      const bool known = std::any_of(here.begin(), here.end(),
                                     [&](const Probe& x) { return same_partial_sums(x.spec, spec); });
      if (known) continue;
      const size_t sums = size_t{spec.p_max()} + 1;
      here.push_back({std::move(spec), std::vector<uint64_t>(sums)});
    }
}

int64_t PartialSumProbes::wanted(int64_t first, int64_t n) const {
  return std::clamp<int64_t>(images_ - first, 0, n);
}

void PartialSumProbes::count(int node, const uint8_t* q, int n) {
  const QuantisedLayer& layer = network_.layers()[trie_.nodes()[node].layer];
  bits_[node].set += count_set_bits(layer.shape, q, n);
  bits_[node].images += n;
  const auto here = probes_.find(node);
  if (here == probes_.end()) return;
  for (Probe& probe : here->second) {
    partial_sum_histogram(probe.spec, layer.codes.data(), q, n, probe.counts);
    probe.images += n;
  }
}

LayerStatistics PartialSumProbes::statistics(int point, int layer) const {
  const auto& settings = points_[point].layers[layer];
  LayerStatistics s;
  if (settings) {
    const SramConvSpec spec = make_layer_spec(network_, layer, settings);
    s = describe_layer(network_.layers()[layer].name, spec);
    if (const Probe* probe = find(point, layer, spec)) add_histogram(s, spec, probe->counts, probe->images);
  }
  const QuantisedLayer& l = network_.layers()[layer];
  const SetBits& bits = bits_[trie_.path(point)[layer]];
  s.images = bits.images;
  if (bits.images > 0)
    s.input_bit_density = static_cast<double>(bits.set) /
                          static_cast<double>(bits.images * input_bits(l.shape, network_.act_bits()));
  s.layer = l.name;
  s.kernel = trie_.pass(point, layer).kernel;
  return s;
}

std::optional<LayerHistogram> PartialSumProbes::histogram(int point, int layer) const {
  const auto& settings = points_[point].layers[layer];
  if (!settings) return std::nullopt;
  const SramConvSpec spec = make_layer_spec(network_, layer, settings);
  const Probe* probe = find(point, layer, spec);
  if (!probe || probe->images == 0) return std::nullopt;
  return LayerHistogram{network_.layers()[layer].name, probe->counts, spec.adcs[0]};
}

const PartialSumProbes::Probe* PartialSumProbes::find(int point, int layer, const SramConvSpec& spec) const {
  const auto here = probes_.find(trie_.path(point)[layer]);
  if (here == probes_.end()) return nullptr;
  const auto probe = std::find_if(here->second.begin(), here->second.end(),
                                  [&](const Probe& x) { return same_partial_sums(x.spec, spec); });
  return probe == here->second.end() ? nullptr : &*probe;
}

}  // namespace sramsim
