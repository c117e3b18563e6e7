// The mappings, one file each; mapping.cpp lists them. Each is given a valid shape and 1 <= R <= 65536.
#pragma once

#include "host/mapping/mapping.h"

namespace sramsim {

MappingModel shape_wise_mapping();
MappingModel unrolled_mapping();
MappingModel whole_kernel_mapping();

/// Closes the row group that the segments appended since the last call belong to.
inline void end_group(RowPlan& plan) {
  plan.group_begin.push_back(static_cast<int32_t>(plan.segments.size()));
}

}  // namespace sramsim
