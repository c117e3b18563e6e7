// Accuracy of a network at many design points, in one pass over a dataset.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "datasets/image_set.h"
#include "host/infer/design_point.h"
#include "host/infer/layer_histogram.h"
#include "host/infer/layer_statistics.h"
#include "host/infer/quantised_network.h"

namespace sramsim {

struct EvaluateOptions {
  int batch = 0;               ///< images per step, 0 as the device likes; the results do not depend on it
  int64_t limit = 0;           ///< first images of the dataset to take; 0 = all
  std::string kernel{};        ///< force this SRAM convolution variant; empty: the best one
  int64_t stats_images = 0;    ///< take layer statistics on so many first images; 0 = none
  bool histograms = true;      ///< off: the statistics are the share of set input bits alone, which is cheap
  bool logits = false;         ///< keep the logits
  bool fuse_relu = true;       ///< off for tests: the results do not depend on it
  int max_adcs_per_pass = 16;  ///< ADCs that share one kernel call; the results do not depend on it
  bool verbose = false;        ///< say by `note` which kernels compute what
  /// Lines about how it is done: a smaller batch because memory is short, kernels if verbose.
  std::function<void(const std::string& line)> note{};
  /// Called with the images done so far (a fraction of a step counts in proportion).
  std::function<void(int64_t done, int64_t total)> progress{};
};

struct PointResult {
  int64_t images = 0;
  int64_t correct = 0;
  std::vector<float> logits;                 ///< [images, classes] if asked for
  std::vector<LayerStatistics> layers;       ///< one per quantised layer
  std::vector<LayerHistogram> partial_sums;  ///< one per layer on subarrays, if images were counted

  double accuracy() const {
    return images ? static_cast<double>(correct) / static_cast<double>(images) : 0.0;
  }
};

/// Results in the order of `points`. Memory: one step of activations per layer and the packed weights of
/// every distinct layer, whatever the size of the dataset. A prediction is the largest logit, the first of
/// equals. InputError for settings that do not fit a layer (named), or images or labels that do not fit the
/// network; Interrupted between kernel calls once the user asked to stop. Where the backend's memory does not
/// hold a step, the batch is halved until it does, and `note` says so.
std::vector<PointResult> evaluate(Backend& backend, const QuantisedNetwork& network, const ImageSet& images,
                                  const std::vector<DesignPoint>& points, const EvaluateOptions& options);
/// The same on images in memory.
inline std::vector<PointResult> evaluate(Backend& backend, const QuantisedNetwork& network,
                                         const Dataset& dataset, const std::vector<DesignPoint>& points,
                                         const EvaluateOptions& options) {
  return evaluate(backend, network, ImagesInMemory(dataset), points, options);
}

}  // namespace sramsim
