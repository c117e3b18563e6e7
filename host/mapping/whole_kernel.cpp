// Whole-kernel mapping: a subarray holds floor(R/(KH*KW)) whole channels, never a part of a kernel window.
#include <fmt/format.h>

#include <algorithm>

#include "host/mapping/models.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

RowPlan make(const ConvShape& shape, int subarray_rows) {
  const int channels = subarray_rows / shape.positions();
  if (channels == 0)
    throw InputError(
        fmt::format("--subarray {}: too few rows for the whole-kernel mapping of a {}x{} kernel ({} rows)",
                    subarray_rows, shape.kh, shape.kw, shape.positions()));
  RowPlan plan;
  plan.subarray_rows = subarray_rows;
  for (int c = 0; c < shape.c; c += channels) {
    for (int position = 0; position < shape.positions(); ++position)
      plan.segments.push_back({position, c, std::min(c + channels, shape.c)});
    end_group(plan);
  }
  return plan;
}

}  // namespace

MappingModel whole_kernel_mapping() {
  return {"whole-kernel", "floor(R/(KH*KW)) whole channels per subarray", make};
}

}  // namespace sramsim
