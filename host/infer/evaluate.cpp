#include "host/infer/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "host/infer/image_feed.h"
#include "host/infer/partial_sum_probes.h"
#include "host/infer/plain_layers.h"
#include "host/infer/point_trie.h"
#include "host/util/interrupt.h"
#include "kernels/core/error.h"
#include "kernels/cuda/profile_range.h"

namespace sramsim {
namespace {

void check_images(const QuantisedNetwork& network, const ImageSet& images) {
  const NetworkSpec& spec = network.spec();
  if (spec.c != 1 || images.h() != spec.h || images.w() != spec.w)
    throw InputError(fmt::format("--dataset-dir: its images are 1x{}x{}, the network {} takes {}x{}x{}",
                                 images.h(), images.w(), spec.name, spec.c, spec.h, spec.w));
  if (images.classes() > spec.classes)
    throw InputError(fmt::format("--dataset-dir: a label is {}, the network {} has {} classes",
                                 images.classes() - 1, spec.name, spec.classes));
  if (images.count() == 0) throw InputError("--dataset-dir: there are no images");
}

TrieOptions trie_options(const Backend& backend, const QuantisedNetwork& network,
                         const EvaluateOptions& options) {
  int64_t largest = 1;
  for (const QuantisedLayer& layer : network.layers()) largest = std::max(largest, layer.shape.outputs());
  const int64_t fit =
      std::max<int64_t>(1, backend.pass_bytes() / (largest * options.batch * int64_t{sizeof(float)}));
  return {options.kernel, static_cast<int>(std::min<int64_t>(options.max_adcs_per_pass, fit))};
}

int64_t wanted_images(const ImageSet& images, const EvaluateOptions& options) {
  return options.limit > 0 ? std::min<int64_t>(options.limit, images.count()) : images.count();
}

int predicted_class(const float* logits, int classes) {
  return static_cast<int>(std::max_element(logits, logits + classes) - logits);  // the first of equals
}

/// Activations of one step between two quantised layers. The walk is depth-first: one set per layer is
/// enough.
struct LevelBuffers {
  DeviceArray<uint8_t> q;                   ///< codes that enter the layer
  std::vector<DeviceArray<float>> y;        ///< outputs of one pass, one per ADC
  std::array<DeviceArray<float>, 2> plain;  ///< between the plain layers that follow
};

std::array<DeviceArray<float>, 2> plain_buffers(Backend& backend, const std::vector<PlainLayer>& layers,
                                                int batch) {
  const auto count = static_cast<size_t>(largest_output(layers) * batch);
  if (count == 0) return {};
  return {DeviceArray<float>(backend, count), DeviceArray<float>(backend, count)};
}

class Evaluation {
 public:
  Evaluation(Backend& backend, const QuantisedNetwork& network, const ImageSet& images,
             const std::vector<DesignPoint>& points, const EvaluateOptions& options)
      : backend_(backend),
        network_(network),
        set_(images),
        options_(options),
        images_(wanted_images(images, options)),
        batch_(static_cast<int>(std::min<int64_t>(options.batch, images_))),
        trie_(network, points, trie_options(backend, network, options)),
        probes_(network, points, trie_, std::min(options.stats_images, images_), options.histograms),
        leaves_(trie_.nodes().size()) {
    trie_.make_plans(backend, network);
    if (options.verbose && options.note) describe_plans();
    allocate();
  }

  std::vector<PointResult> run(size_t points) {
    ImageFeed feed(set_, images_, batch_);
    for (first_ = 0; first_ < images_; first_ += batch_) {
      const ProfileRange range("batch");
      n_ = static_cast<int>(std::min<int64_t>(batch_, images_ - first_));
      const auto count = static_cast<size_t>(n_ * set_.pixels());
      backend_.upload(bytes_.data(), feed.next(), count);
      backend_.bytes_to_unit(bytes_.data(), count, input_.data());
      visit(0, apply(network_.plain_after(-1), 0, input_.data(), before_));
    }
    std::vector<PointResult> results;
    for (int p = 0; p < static_cast<int>(points); ++p) {
      results.push_back(leaves_[trie_.path(p).back()]);
      for (int l = 0; l < layers(); ++l) {
        results.back().layers.push_back(probes_.statistics(p, l));
        if (auto counted = probes_.histogram(p, l))
          results.back().partial_sums.push_back(*std::move(counted));
      }
    }
    return results;
  }

 private:
  int classes() const { return network_.spec().classes; }
  int layers() const { return static_cast<int>(network_.layers().size()); }

  float* apply(const std::vector<PlainLayer>& plain, size_t skip, float* x,
               const std::array<DeviceArray<float>, 2>& buffers) {
    float* const scratch[2] = {buffers[0].data(), buffers[1].data()};
    return apply_plain(backend_, plain, skip, n_, x, scratch);
  }

  void describe_plans() const {
    for (const TrieNode& node : trie_.nodes())
      for (const TriePass& pass : node.passes) {
        const std::string detail = pass.plan->describe();
        options_.note(fmt::format("layer {}: {} converter{} by kernel {}", network_.layers()[node.layer].name,
                                  pass.children.size(), pass.children.size() == 1 ? "" : "s",
                                  detail.empty() ? pass.kernel : detail));
      }
  }

  void allocate() {
    const auto batch = static_cast<size_t>(batch_);
    const auto pixels = static_cast<size_t>(set_.pixels()) * batch;
    bytes_ = DeviceArray<uint8_t>(backend_, pixels);
    input_ = DeviceArray<float>(backend_, pixels);
    before_ = plain_buffers(backend_, network_.plain_after(-1), batch_);
    for (int l = 0; l < layers(); ++l) {
      const ConvShape& shape = network_.layers()[l].shape;
      LevelBuffers level;
      level.q = DeviceArray<uint8_t>(backend_, static_cast<size_t>(shape.inputs()) * batch);
      for (int k = 0; k < trie_.widest_pass(l); ++k)
        level.y.emplace_back(backend_, static_cast<size_t>(shape.outputs()) * batch);
      level.plain = plain_buffers(backend_, network_.plain_after(l), batch_);
      levels_.push_back(std::move(level));
    }
  }

  /// x: activations of this step that enter the node's layer.
  void visit(int node, const float* x) {
    const int l = trie_.nodes()[node].layer;
    if (l == layers()) return take_logits(node, x);
    quantise(node, x);
    const auto& plain = network_.plain_after(l);
    const bool relu = options_.fuse_relu && !plain.empty() && plain.front().type == LayerType::kReLU;
    LevelBuffers& level = levels_[l];
    for (const TriePass& pass : trie_.nodes()[node].passes) {
      throw_if_interrupted();
      compute(pass, l, relu);
      for (size_t k = 0; k < pass.children.size(); ++k)
        visit(pass.children[k], apply(plain, relu ? 1 : 0, level.y[k].data(), level.plain));
    }
  }

  /// The codes that enter a node's layer.
  void quantise(int node, const float* x) {
    const int l = trie_.nodes()[node].layer;
    const QuantisedLayer& layer = network_.layers()[l];
    const ProfileRange range(layer.name);
    backend_.quantise_activations(x, static_cast<size_t>(n_ * layer.shape.inputs()), layer.act_alpha.data(),
                                  network_.act_bits(), levels_[l].q.data());
    probe(node, layer);
  }

  /// The outputs of layer l for every child of a pass.
  void compute(const TriePass& pass, int l, bool relu) {
    const QuantisedLayer& layer = network_.layers()[l];
    const ProfileRange range(layer.name);
    std::vector<SramOutput> outputs;
    for (size_t k = 0; k < pass.children.size(); ++k)
      outputs.push_back({.y = levels_[l].y[k].data(),
                         .act_scale = layer.act_scale,
                         .weight_scale = layer.weight_scale,
                         .bias = layer.bias.data(),
                         .relu = relu});
    pass.plan->run(levels_[l].q.data(), n_, outputs);
  }

  void probe(int node, const QuantisedLayer& layer) {
    const int64_t n = probes_.wanted(first_, n_);
    if (n == 0) return;
    host_q_.resize(static_cast<size_t>(n * layer.shape.inputs()));
    backend_.download(host_q_.data(), levels_[trie_.nodes()[node].layer].q.data(), host_q_.size());
    probes_.count(node, host_q_.data(), static_cast<int>(n));
  }

  void take_logits(int node, const float* logits) {
    PointResult& leaf = leaves_[node];
    host_logits_.resize(static_cast<size_t>(n_) * static_cast<size_t>(classes()));
    backend_.download(host_logits_.data(), logits, host_logits_.size() * sizeof(float));
    for (int i = 0; i < n_; ++i)
      leaf.correct += predicted_class(&host_logits_[static_cast<size_t>(i) * static_cast<size_t>(classes())],
                                      classes()) == set_.labels()[static_cast<size_t>(first_ + i)];
    leaf.images += n_;
    if (options_.logits) leaf.logits.insert(leaf.logits.end(), host_logits_.begin(), host_logits_.end());
    leaf_images_ += n_;
    if (options_.progress) options_.progress(leaf_images_ / trie_.leaves(), images_);
  }

  Backend& backend_;
  const QuantisedNetwork& network_;
  const ImageSet& set_;
  const EvaluateOptions& options_;
  int64_t images_;
  int batch_;
  PointTrie trie_;
  PartialSumProbes probes_;
  std::vector<PointResult> leaves_;  ///< by node; only those of leaves are used
  DeviceArray<uint8_t> bytes_;
  DeviceArray<float> input_;
  std::array<DeviceArray<float>, 2> before_;
  std::vector<LevelBuffers> levels_;
  std::vector<uint8_t> host_q_;
  std::vector<float> host_logits_;
  int64_t first_ = 0;        ///< first image of the step
  int n_ = 0;                ///< images of the step
  int64_t leaf_images_ = 0;  ///< images that reached a leaf, summed over the leaves
};

}  // namespace

std::vector<PointResult> evaluate(Backend& backend, const QuantisedNetwork& network, const ImageSet& images,
                                  const std::vector<DesignPoint>& points, const EvaluateOptions& options) {
  check_images(network, images);
  if (options.batch < 0) throw InputError(fmt::format("--batch {}: must be at least 1", options.batch));
  if (points.empty()) return {};
  const ProfileRange range("evaluate");
  EvaluateOptions tried = options;
  const int batch = options.batch > 0 ? options.batch : backend.preferred_batch();
  tried.batch = static_cast<int>(std::min<int64_t>(batch, wanted_images(images, options)));
  for (;; tried.batch = (tried.batch + 1) / 2) {
    try {
      return Evaluation(backend, network, images, points, tried).run(points.size());
    } catch (const OutOfMemory& e) {
      if (tried.batch == 1) throw;
      if (options.note)
        options.note(fmt::format("{}: a step of {} images does not fit, going on with {}", e.what(),
                                 tried.batch, (tried.batch + 1) / 2));
    }
    backend.trim();
  }
}

}  // namespace sramsim
