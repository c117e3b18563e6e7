// Registry of the mappings, and the names of the weight encodings.
#include "host/mapping/mapping.h"

#include <fmt/format.h>

#include "host/mapping/models.h"
#include "kernels/core/error.h"

namespace sramsim {

std::span<const MappingModel> mapping_models() {
  static const MappingModel list[] = {shape_wise_mapping(), unrolled_mapping(), whole_kernel_mapping()};
  return list;
}

RowPlan make_row_plan(const std::string& mapping, const ConvShape& shape, int subarray_rows) {
  constexpr int kMaxRows = 65536;
  if (subarray_rows < 1 || subarray_rows > kMaxRows)
    throw InputError(fmt::format("--subarray {}: must be 1..{} rows", subarray_rows, kMaxRows));
  std::string known;
  for (const MappingModel& m : mapping_models()) {
    if (mapping == m.name) return m.make(shape, subarray_rows);
    known += (known.empty() ? "" : ", ") + std::string(m.name);
  }
  throw InputError(fmt::format("--mapping '{}' is unknown, choose one of: {}", mapping, known));
}

namespace {
constexpr Encoding kEncodings[] = {Encoding::kTwosComplement, Encoding::kDifferential, Encoding::kOffset};
}

Encoding parse_encoding(const std::string& text) {
  std::string known;
  for (Encoding e : kEncodings) {
    if (text == to_string(e)) return e;
    known += (known.empty() ? "" : ", ") + std::string(to_string(e));
  }
  throw InputError(fmt::format("--encoding '{}' is unknown, choose one of: {}", text, known));
}

const char* to_string(Encoding e) {
  switch (e) {
    case Encoding::kTwosComplement:
      return "twos-complement";
    case Encoding::kDifferential:
      return "differential";
    case Encoding::kOffset:
      return "offset";
  }
  return "?";
}

}  // namespace sramsim
