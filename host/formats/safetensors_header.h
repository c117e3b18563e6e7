// The JSON header of a safetensors file: {"__metadata__": {text: text}, name: {"dtype": "F32",
// "shape": [2, 3], "data_offsets": [begin, end]}, ...}.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/formats/stored_type.h"

namespace sramsim {

struct SafetensorsEntry {
  StoredType type = StoredType::kF32;
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;  ///< bytes of the data section, end exclusive
};

struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry> tensors;
  std::map<std::string, std::string> metadata;
};

/// Parses as a stream of events, so that hostile nesting or repetition costs no memory. InputError says what
/// is wrong: not JSON, a duplicate key, an unknown element type, a missing or mistyped member.
SafetensorsHeader parse_safetensors_header(std::string_view json);

/// "F32" and so on.
const char* safetensors_type_name(DType t);

}  // namespace sramsim
