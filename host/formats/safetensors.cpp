// safetensors (the format of Hugging Face's library of that name):
//   u64 little endian: header length H | H bytes of JSON, padded with spaces | tensor data, without holes
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <ostream>

#include "host/formats/atomic_file.h"
#include "host/formats/input_file.h"
#include "host/formats/safetensors_header.h"
#include "host/formats/tensor_file.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

constexpr uint64_t kMaxHeader = 100'000'000;  // the published library's own limit

SafetensorsHeader read_header(const InputFile& file, uint64_t& data_begin) {
  uint64_t length = 0;
  if (file.size() < sizeof length) file.fail("is truncated or not a safetensors file");
  file.read(0, &length, sizeof length);
  if (length > kMaxHeader)
    file.fail(fmt::format("is not a safetensors file (its header would have {} bytes)", length));
  if (length > file.size() - sizeof length) file.fail("is truncated within its header");
  std::string json(length, '\0');
  file.read(sizeof length, json.data(), json.size());
  if (!json.starts_with('{')) file.fail("is not a safetensors file (its header is not JSON)");
  data_begin = sizeof length + length;
  try {
    return parse_safetensors_header(json);
  } catch (const InputError& e) {
    file.fail(e.what());
  }
}

/// The tensors must tile the data section: each as long as its shape says, no holes, no overlaps, no rest.
void check_layout(const InputFile& file, const SafetensorsHeader& header, uint64_t data_size) {
  using Named = std::pair<const std::string, SafetensorsEntry>;
  std::vector<const Named*> order;
  for (const Named& t : header.tensors) order.push_back(&t);
  std::sort(order.begin(), order.end(), [](const Named* a, const Named* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  uint64_t position = 0;
  for (const Named* t : order) {
    const SafetensorsEntry& entry = t->second;
    const auto fail = [&](const char* what) {
      file.fail(fmt::format("tensor '{}' {}", printable(t->first), what));
    };
    const auto bytes = byte_count(entry.shape, stored_size(entry.type));
    if (!bytes || !byte_count(entry.shape, dtype_size(widened_type(entry.type))))
      fail("has an impossible shape");
    if (entry.end < entry.begin || entry.end - entry.begin != *bytes)
      fail("has data_offsets that do not match its shape");
    if (entry.begin < position) fail("overlaps another tensor");
    if (entry.begin > position) fail("follows a hole in the data");
    if (entry.end > data_size) fail("reaches beyond the end: the file is truncated");
    position = entry.end;
  }
  if (position != data_size)
    file.fail(fmt::format("has {} bytes of data that belong to no tensor", data_size - position));
}

HostTensor read_entry(const InputFile& file, const SafetensorsEntry& entry, uint64_t data_begin) {
  HostTensor tensor = make_tensor(widened_type(entry.type), entry.shape);
  const uint64_t bytes = entry.end - entry.begin;
  if (bytes == tensor.bytes.size()) {
    file.read(data_begin + entry.begin, tensor.bytes.data(), bytes);
  } else {
    std::vector<std::byte> stored(bytes);
    file.read(data_begin + entry.begin, stored.data(), bytes);
    widen(entry.type, stored.data(), static_cast<size_t>(tensor.count()), tensor.bytes.data());
  }
  return tensor;
}

/// Wide elements first, so that every tensor starts at a multiple of its element size.
std::vector<std::pair<std::string, const HostTensor*>> file_order(const TensorFile& file) {
  std::vector<std::pair<std::string, const HostTensor*>> order;
  for (const auto& [name, tensor] : file.tensors) order.emplace_back(name, &tensor);
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return dtype_size(a.second->dtype) > dtype_size(b.second->dtype);
  });
  return order;
}

}  // namespace

TensorFile read_safetensors(const std::filesystem::path& path) {
  const InputFile file(path);
  uint64_t data_begin = 0;
  SafetensorsHeader header = read_header(file, data_begin);
  check_layout(file, header, file.size() - data_begin);
  TensorFile result{{}, std::move(header.metadata)};
  for (const auto& [name, entry] : header.tensors)
    result.tensors.emplace(name, read_entry(file, entry, data_begin));
  return result;
}

void write_safetensors(const std::filesystem::path& path, const TensorFile& file) {
  const auto order = file_order(file);
  nlohmann::json header = nlohmann::json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  uint64_t position = 0;
  for (const auto& [name, tensor] : order) {
    if (name == "__metadata__")
      throw RunError(fmt::format("{}: a tensor cannot be called {}", path.string(), name));
    const uint64_t end = position + tensor->bytes.size();
    header[name] = {{"dtype", safetensors_type_name(tensor->dtype)},
                    {"shape", tensor->shape},
                    {"data_offsets", {position, end}}};
    position = end;
  }
  std::string json;
  try {
    json = header.dump();
  } catch (const nlohmann::json::type_error&) {
    throw RunError(fmt::format("{}: a tensor name or metadata entry is not UTF-8 text", path.string()));
  }
  json.append((8 - json.size() % 8) % 8, ' ');
  const uint64_t length = json.size();
  if (length > kMaxHeader) throw RunError(fmt::format("{}: names and metadata exceed 100 MB", path.string()));
  write_atomically(path, [&](std::ostream& out) {
    out.write(reinterpret_cast<const char*>(&length), sizeof length);
    out << json;
    for (const auto& [name, tensor] : order)
      out.write(reinterpret_cast<const char*>(tensor->bytes.data()),
                static_cast<std::streamsize>(tensor->bytes.size()));
  });
}

}  // namespace sramsim
