// What the numbers of a row depend on beside its settings: rows of a file are only continued where it is the
// same.
#pragma once

#include <string>

#include "datasets/image_set.h"
#include "host/cost/cost.h"
#include "host/model/network.h"

namespace sramsim {

/// "checkpoint-images-hardware", a checksum (CRC-32) of the content of each: names and times of files do not
/// matter, nor do device, batch size and threads, which change no result.
struct RowKey {
  std::string checkpoint;  ///< the network and its tensors
  std::string images;      ///< images and labels that are used
  std::string hardware;    ///< cost table and its options, images that the set bits are measured on

  std::string str() const { return checkpoint + "-" + images + "-" + hardware; }
};

/// Reads back str(). Parts that are missing stay empty.
RowKey parse_row_key(const std::string& text);

std::string checkpoint_key(const Checkpoint& checkpoint);
/// Of the first `limit` images (0 = all) and their labels, all of which it reads. ImagesChanged.
std::string images_key(const ImageSet& images, int64_t limit);
std::string hardware_key(const CostTable& table, const CostOptions& options, int64_t stats_images);

}  // namespace sramsim
