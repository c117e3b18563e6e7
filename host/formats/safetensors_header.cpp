#include "host/formats/safetensors_header.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/formats/input_file.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

constexpr size_t kMaxRank = 64;
constexpr std::string_view kMetadataName = "__metadata__";

struct TypeName {
  const char* name;
  StoredType type;
};
constexpr std::array<TypeName, 12> kTypes{{{"BOOL", StoredType::kBool},
                                           {"U8", StoredType::kU8},
                                           {"I8", StoredType::kI8},
                                           {"I16", StoredType::kI16},
                                           {"U16", StoredType::kU16},
                                           {"I32", StoredType::kI32},
                                           {"U32", StoredType::kU32},
                                           {"I64", StoredType::kI64},
                                           {"F16", StoredType::kF16},
                                           {"BF16", StoredType::kBF16},
                                           {"F32", StoredType::kF32},
                                           {"F64", StoredType::kF64}}};

/// Consumes the parser's events. Each state is the place in the fixed structure where the parser stands.
class HeaderEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader header;

  bool start_object(size_t) override {
    if (at_ == At::kStart) return go(At::kTop);
    if (at_ != At::kTopValue) unexpected("an object");
    if (name_ == kMetadataName) return go(At::kMetadata);
    entry_ = {};
    seen_ = 0;
    return go(At::kTensor);
  }
  bool end_object() override {
    if (at_ == At::kTop) return go(At::kEnd);
    if (at_ == At::kTensor) {
      if (seen_ != 7)
        throw InputError(fmt::format("tensor '{}' lacks dtype, shape or data_offsets", label()));
      header.tensors.emplace(name_, std::move(entry_));
    }
    return go(At::kTop);
  }
  bool key(string_t& k) override {
    if (at_ == At::kMetadata) {
      if (header.metadata.contains(k)) duplicate(k);
      key_ = std::move(k);
      return go(At::kMetadataValue);
    }
    if (at_ == At::kTensor) return tensor_member(k);
    name_ = std::move(k);
    if (name_ == kMetadataName ? std::exchange(metadata_seen_, true) : header.tensors.contains(name_))
      duplicate(name_);
    return go(At::kTopValue);
  }
  bool string(string_t& text) override {
    if (at_ == At::kMetadataValue) {
      header.metadata.emplace(std::move(key_), std::move(text));
      return go(At::kMetadata);
    }
    if (at_ != At::kDtype) unexpected("a text");
    entry_.type = stored_type(text);
    return go(At::kTensor);
  }
  bool start_array(size_t) override {
    if (at_ == At::kShape) return go(At::kShapeList);
    if (at_ == At::kOffsets) return go(At::kOffsetsList);
    unexpected("a list");
  }
  bool end_array() override {
    if (at_ == At::kOffsetsList) {
      if (offsets_.size() != 2) throw InputError(fmt::format("tensor '{}' needs two data_offsets", label()));
      entry_.begin = offsets_[0];
      entry_.end = offsets_[1];
    }
    return go(At::kTensor);
  }
  bool number_unsigned(number_unsigned_t v) override {
    constexpr auto kMost = static_cast<number_unsigned_t>(std::numeric_limits<int64_t>::max());
    if (at_ == At::kShapeList && v <= kMost && entry_.shape.size() < kMaxRank) {
      entry_.shape.push_back(static_cast<int64_t>(v));
      return true;
    }
    if (at_ == At::kOffsetsList && v <= kMost && offsets_.size() < 2) {
      offsets_.push_back(v);
      return true;
    }
    unexpected("a number");
  }
  bool number_integer(number_integer_t) override { unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { unexpected("a fraction"); }
  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a truth value"); }
  bool binary(binary_t&) override { unexpected("binary data"); }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
    throw InputError(fmt::format("its header is not valid JSON at byte {}", position));
  }

 private:
  enum class At {
    kStart,
    kTop,
    kTopValue,
    kMetadata,
    kMetadataValue,
    kTensor,
    kDtype,
    kShape,
    kShapeList,
    kOffsets,
    kOffsetsList,
    kEnd
  };

  bool go(At at) {
    at_ = at;
    return true;
  }
  std::string label() const { return printable(name_); }
  [[noreturn]] void unexpected(const char* what) const {
    throw InputError(fmt::format("its header has {} where none belongs, at '{}'", what, label()));
  }
  [[noreturn]] void duplicate(std::string_view name) const {
    throw InputError(fmt::format("its header names '{}' twice", printable(name)));
  }
  bool tensor_member(std::string_view k) {
    const unsigned bit = k == "dtype" ? 1 : k == "shape" ? 2 : k == "data_offsets" ? 4 : 0;
    if (bit == 0)
      throw InputError(fmt::format("tensor '{}' has an unknown member '{}'", label(), printable(k)));
    if (seen_ & bit) duplicate(k);
    seen_ |= bit;
    offsets_.clear();
    return go(bit == 1 ? At::kDtype : bit == 2 ? At::kShape : At::kOffsets);
  }
  StoredType stored_type(std::string_view text) const {
    for (const TypeName& t : kTypes)
      if (text == t.name) return t.type;
    throw InputError(
        fmt::format("tensor '{}' has element type {}, which is not supported", label(), printable(text)));
  }

  At at_ = At::kStart;
  std::string name_, key_;
  SafetensorsEntry entry_;
  std::vector<uint64_t> offsets_;
  unsigned seen_ = 0;
  bool metadata_seen_ = false;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json) {
  HeaderEvents events;
  nlohmann::json::sax_parse(json.begin(), json.end(), &events);
  return std::move(events.header);
}

const char* safetensors_type_name(DType t) {
  switch (t) {
    case DType::kU8:
      return "U8";
    case DType::kI8:
      return "I8";
    case DType::kI32:
      return "I32";
    case DType::kI64:
      return "I64";
    case DType::kF32:
      return "F32";
    case DType::kF64:
      return "F64";
  }
  return "";
}

}  // namespace sramsim
