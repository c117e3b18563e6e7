// Labelled images that are read in order, a step at a time, so that memory does not grow with their number.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "datasets/idx.h"
#include "kernels/core/error.h"

namespace sramsim {

/// The images are no longer those that were there when their set was opened: nothing that is computed from
/// them can be trusted, whatever the settings.
class ImagesChanged : public InputError {
 public:
  using InputError::InputError;
};

/// Goes through the images of a set once, from the first on.
class ImageReader {
 public:
  virtual ~ImageReader() = default;
  /// The next n images, h*w bytes each; no more than the set has, over all calls. ImagesChanged if they are
  /// not there any more.
  virtual void read(int n, uint8_t* to) = 0;
};

class ImageSet {
 public:
  /// count, h, w >= 1; one label per image.
  ImageSet(int count, int h, int w, std::vector<uint8_t> labels)
      : count_(count), h_(h), w_(w), classes_(class_count(labels)), labels_(std::move(labels)) {}
  virtual ~ImageSet() = default;
  int count() const { return count_; }
  int h() const { return h_; }  ///< one channel, h x w pixels; a pixel is byte/255
  int w() const { return w_; }
  int64_t pixels() const { return int64_t{h_} * w_; }
  int classes() const { return classes_; }                        ///< largest label + 1
  const std::vector<uint8_t>& labels() const { return labels_; }  ///< [count]
  /// A reader of its own for everyone who asks, from any thread. The set must outlive it. ImagesChanged if
  /// the images are not those that were there at first.
  virtual std::unique_ptr<ImageReader> open() const = 0;

 private:
  int count_, h_, w_, classes_;
  std::vector<uint8_t> labels_;
};

/// The images of a Dataset, which must outlive the set.
class ImagesInMemory final : public ImageSet {
 public:
  explicit ImagesInMemory(const Dataset& data)
      : ImageSet(data.count, data.h, data.w, data.labels), data_(data) {}
  std::unique_ptr<ImageReader> open() const override;

 private:
  const Dataset& data_;
};

/// The images of load_idx(), left in their file. Both files are checked as load_idx() checks them, which
/// reads through them once. InputError.
std::unique_ptr<ImageSet> open_idx(const std::filesystem::path& dir, Split split);

}  // namespace sramsim
