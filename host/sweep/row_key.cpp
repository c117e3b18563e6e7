#include "host/sweep/row_key.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/infer/image_feed.h"

namespace sramsim {
namespace {

class Checksum {
 public:
  Checksum& add(const void* data, size_t bytes) {
    crc_ = crc32_z(crc_, static_cast<const Bytef*>(data), bytes);
    return *this;
  }
  Checksum& add(const std::string& text) { return add(text.c_str(), text.size() + 1); }  // with its end
  std::string str() const { return fmt::format("{:08x}", crc_); }

 private:
  uLong crc_ = crc32_z(0, nullptr, 0);
};

}  // namespace

RowKey parse_row_key(const std::string& text) {
  RowKey key;
  std::string* const parts[] = {&key.checkpoint, &key.images, &key.hardware};
  size_t begin = 0;
  for (std::string* part : parts) {
    const size_t end = std::min(text.find('-', begin), text.size());
    *part = text.substr(begin, end - begin);
    begin = std::min(end + 1, text.size());
  }
  return key;
}

std::string checkpoint_key(const Checkpoint& checkpoint) {
  nlohmann::json network;
  to_json(network, checkpoint.network);
  Checksum sum;
  sum.add(network.dump());
  for (const auto& [name, tensor] : checkpoint.file.tensors) {
    if (name.starts_with("optimizer.")) continue;
    sum.add(name).add(tensor.bytes.data(), tensor.bytes.size());
  }
  return sum.str();
}

std::string images_key(const ImageSet& images, int64_t limit) {
  constexpr int kStep = 256;
  const int64_t count = limit > 0 ? std::min<int64_t>(limit, images.count()) : images.count();
  Checksum sum;
  sum.add(fmt::format("{} {} {}", count, images.h(), images.w()));
  ImageFeed feed(images, count, kStep);
  for (int64_t first = 0; first < count; first += kStep)
    sum.add(feed.next(), static_cast<size_t>(std::min<int64_t>(kStep, count - first) * images.pixels()));
  return sum.add(images.labels().data(), static_cast<size_t>(count)).str();
}

std::string hardware_key(const CostTable& table, const CostOptions& options, int64_t stats_images) {
  Checksum sum;
  sum.add(table.name).add(options.adc_model.empty() ? table.adc_model : options.adc_model);
  sum.add(fmt::format("{} {} {}", options.geometry.columns, options.geometry.columns_per_adc, stats_images));
  for (const CostEntry& entry : cost_entries())
    sum.add(fmt::format("{}={}", entry.name, (table.*entry.member).si));
  return sum.str();
}

}  // namespace sramsim
