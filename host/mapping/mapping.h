// Mappings: which weights of a layer share a column of a subarray (design: row groups). One file per mapping.
#pragma once

#include <span>
#include <string>

#include "kernels/core/conv_shape.h"
#include "kernels/core/encoding.h"
#include "kernels/core/row_plan.h"

namespace sramsim {

struct MappingModel {
  const char* name;
  const char* summary;
  RowPlan (*make)(const ConvShape& shape, int subarray_rows);
};
std::span<const MappingModel> mapping_models();  ///< "shape-wise", "unrolled", "whole-kernel"

/// Every row in exactly one group, no group larger than `subarray_rows`. InputError for an unknown name,
/// subarray_rows < 1, or a mapping that does not fit.
RowPlan make_row_plan(const std::string& mapping, const ConvShape& shape, int subarray_rows);

Encoding parse_encoding(const std::string& text);
const char* to_string(Encoding e);

}  // namespace sramsim
