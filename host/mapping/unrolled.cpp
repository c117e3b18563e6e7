// Unrolled mapping: all C*KH*KW rows in (channel, kh, kw) order, cut every R rows wherever that falls.
#include <algorithm>
#include <cstdint>

#include "host/mapping/models.h"

namespace sramsim {
namespace {

/// First channel whose row channel*K + position is at or after `row`.
int first_channel(int64_t row, int position, int positions) {
  return static_cast<int>(std::max<int64_t>(0, (row - position + positions - 1) / positions));
}

RowPlan make(const ConvShape& shape, int subarray_rows) {
  RowPlan plan;
  plan.subarray_rows = subarray_rows;
  const int64_t rows = shape.rows();
  const int positions = shape.positions();
  for (int64_t begin = 0; begin < rows; begin += subarray_rows) {
    const int64_t end = std::min(begin + subarray_rows, rows);
    for (int position = 0; position < positions; ++position) {
      const int c0 = first_channel(begin, position, positions), c1 = first_channel(end, position, positions);
      if (c0 < c1) plan.segments.push_back({position, c0, c1});
    }
    end_group(plan);
  }
  return plan;
}

}  // namespace

MappingModel unrolled_mapping() {
  return {"unrolled", "all rows in (channel, kh, kw) order, cut every R rows", make};
}

}  // namespace sramsim
