// MNIST-style datasets in IDX files (LeCun, yann.lecun.com/exdb/mnist: big-endian header, bytes), gzipped or
// not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace sramsim {

enum class Split { kTrain, kTest };

struct Dataset {
  int count = 0, h = 0, w = 0;  ///< one channel
  int classes = 0;              ///< largest label + 1
  std::vector<uint8_t> images;  ///< [count,h,w]; a pixel is byte/255
  std::vector<uint8_t> labels;  ///< [count]
};

/// Largest label + 1; 0 without labels.
int class_count(const std::vector<uint8_t>& labels);

/// Looks in `dir` for the four standard names (train-images-idx3-ubyte, t10k-labels-idx1-ubyte, ...; with or
/// without .gz, "-idx3-ubyte" or ".idx3-ubyte"). Checks magic, sizes, and that images and labels count the
/// same. InputError.
Dataset load_idx(const std::filesystem::path& dir, Split split);

}  // namespace sramsim
