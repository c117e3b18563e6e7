// The part of Python's pickle that a PyTorch state dict needs, as data. Nothing is ever imported or called:
// the few names that torch.save writes are recognised, any other one ends the reading.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/formats/stored_type.h"

namespace sramsim::pickle {

/// Index of an object in Document::objects. Objects refer to each other by index, so that cycles and shared
/// objects (a pickle may contain both) need no care in ownership.
using Ref = uint32_t;

enum class Kind { kNone, kBool, kInt, kFloat, kText, kTuple, kList, kDict, kGlobal, kStorage, kTensor };

struct Object {
  Kind kind = Kind::kNone;
  int64_t integer = 0;     ///< kBool, kInt; kTensor: index in Document::tensors; kStorage: in ::storages
  double real = 0.0;       ///< kFloat
  std::string text;        ///< kText; kGlobal: "module name"
  std::vector<Ref> items;  ///< kTuple, kList; kDict: key, value, key, value, ...
};

/// A storage is an archive member "data/<key>" of `count` elements.
struct Storage {
  StoredType type = StoredType::kF32;
  std::string key;
  int64_t count = 0;
};

/// A strided view of a storage; offset and strides in elements.
struct TensorView {
  uint32_t storage = 0;
  int64_t offset = 0;
  std::vector<int64_t> shape, stride;
};

struct Document {
  std::vector<Object> objects;
  std::vector<Storage> storages;
  std::vector<TensorView> tensors;
  Ref root = 0;

  const Object& at(Ref r) const { return objects[r]; }
};

/// Protocols 2 to 5. InputError says what it met: an opcode or a global that no state dict has, a truncated
/// stream, arguments of the wrong kind, too many objects. Views are not checked against their storages here.
Document parse(std::string_view bytes);

}  // namespace sramsim::pickle
