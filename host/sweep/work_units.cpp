#include "host/sweep/work_units.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "host/infer/point_trie.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

/// Points that form the same partial sums in every layer.
struct Group {
  const QuantisedNetwork* network;
  std::vector<SramConvSpec> specs;  ///< with any converters
  WorkUnit points;

  bool same_sums(const QuantisedNetwork& other, const std::vector<SramConvSpec>& theirs) const {
    return network == &other &&
           std::equal(specs.begin(), specs.end(), theirs.begin(), theirs.end(), same_partial_sums);
  }
};

std::vector<SramConvSpec> specs_of(const QuantisedNetwork& network, const DesignPoint& point) {
  std::vector<SramConvSpec> specs;
  for (size_t l = 0; l < point.layers.size(); ++l)
    specs.push_back(make_layer_spec(network, static_cast<int>(l), point.layers[l]));
  return specs;
}

/// Settings seen so far without their converters, each with its group: thousands of points share few of them,
/// and comparing settings is cheaper than making row plans.
class Grouping {
 public:
  void add(const QuantisedNetwork& network, const DesignPoint& point, size_t index) {
    DesignPoint bare = point;
    for (auto& layer : bare.layers)
      if (layer) layer->adc = AdcSettings{};
    for (const auto& [known, settings, group] : seen_)
      if (known == &network && settings == bare.layers) return groups_[group].points.push_back(index);
    auto specs = specs_of(network, point);
    size_t g = 0;
    while (g < groups_.size() && !groups_[g].same_sums(network, specs)) ++g;
    if (g == groups_.size()) groups_.push_back({&network, std::move(specs), {}});
    groups_[g].points.push_back(index);
    seen_.push_back({&network, bare.layers, g});
  }
  std::vector<Group> take() { return std::move(groups_); }

 private:
  struct Seen {
    const QuantisedNetwork* network;
    std::vector<std::optional<ArraySettings>> layers;
    size_t group;
  };
  std::vector<Seen> seen_;
  std::vector<Group> groups_;
};

void cut_largest(std::vector<WorkUnit>& units, size_t workers) {
  while (units.size() < workers) {
    const auto largest = std::max_element(
        units.begin(), units.end(), [](const WorkUnit& a, const WorkUnit& b) { return a.size() < b.size(); });
    if (largest == units.end() || largest->size() < 2) return;
    const auto half = static_cast<ptrdiff_t>(largest->size() / 2);
    WorkUnit second(largest->begin() + half, largest->end());
    largest->resize(static_cast<size_t>(half));
    units.insert(largest + 1, std::move(second));
  }
}

PointTrie trie_of(SweepNetworks& networks, std::span<const SweepPoint> points, const WorkUnit& unit) {
  const QuantisedNetwork& network = networks.of(points[unit.front()]);
  std::vector<DesignPoint> all;
  for (const size_t p : unit) all.push_back(design_point(network, points[p]));
  return PointTrie(network, all, {});
}

}  // namespace

std::vector<size_t> largest_first(std::span<const WorkUnit> units) {
  std::vector<size_t> order(units.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return units[a].size() > units[b].size(); });
  return order;
}

const QuantisedNetwork& SweepNetworks::of(const SweepPoint& point) {
  auto& made = made_[{point.checkpoint, point.weight_bits, point.act_bits}];
  if (!made)
    made = std::make_unique<QuantisedNetwork>(backend_, checkpoints_.at(point.checkpoint), point.weight_bits,
                                              point.act_bits);
  return *made;
}

std::vector<WorkUnit> make_work_units(SweepNetworks& networks, std::span<const SweepPoint> points,
                                      std::span<const size_t> wanted, size_t most, size_t workers,
                                      std::map<size_t, std::string>& unfit) {
  Grouping grouping;
  for (const size_t p : wanted) {
    try {
      const QuantisedNetwork& network = networks.of(points[p]);
      grouping.add(network, design_point(network, points[p]), p);
    } catch (const InputError& e) {
      unfit[p] = e.what();
    }
  }
  std::vector<WorkUnit> units;
  for (const Group& group : grouping.take())
    for (size_t begin = 0; begin < group.points.size(); begin += most) {
      const size_t end = std::min(begin + most, group.points.size());
      units.emplace_back(group.points.begin() + static_cast<ptrdiff_t>(begin),
                         group.points.begin() + static_cast<ptrdiff_t>(end));
    }
  cut_largest(units, workers);
  return units;
}

SharedWork& SharedWork::operator+=(const SharedWork& other) {
  alone += other.alone;
  passes += other.passes;
  distinct += other.distinct;
  return *this;
}

SharedWork shared_work(SweepNetworks& networks, std::span<const SweepPoint> points, const WorkUnit& unit) {
  const PointTrie trie = trie_of(networks, points, unit);
  SharedWork work;
  work.alone = static_cast<int64_t>(unit.size() * networks.of(points[unit.front()]).layers().size());
  for (const TrieNode& node : trie.nodes()) work.passes += static_cast<int64_t>(node.passes.size());
  work.distinct = trie.leaves();
  return work;
}

std::string explain(SweepNetworks& networks, std::span<const SweepPoint> points, const WorkUnit& unit) {
  const PointTrie trie = trie_of(networks, points, unit);
  const QuantisedNetwork& network = networks.of(points[unit.front()]);
  std::string text = fmt::format("{} point{} from {}\n", unit.size(), unit.size() == 1 ? "" : "s",
                                 describe(points[unit.front()]));
  for (size_t l = 0; l < network.layers().size(); ++l) {
    size_t inputs = 0, passes = 0, outputs = 0;
    for (const TrieNode& node : trie.nodes()) {
      if (node.layer != static_cast<int>(l)) continue;
      ++inputs;
      passes += node.passes.size();
      for (const TriePass& pass : node.passes) outputs += pass.children.size();
    }
    text += fmt::format("  {}: {} different input{}, {} pass{} over the rows, {} different output{}",
                        network.layers()[l].name, inputs, inputs == 1 ? "" : "s", passes,
                        passes == 1 ? "" : "es", outputs, outputs == 1 ? "" : "s");
    if (outputs > passes) text += "; converters on the same partial sums share a pass";
    if (outputs < unit.size()) text += "; points alike up to here share it";
    text += "\n";
  }
  return text;
}

}  // namespace sramsim
