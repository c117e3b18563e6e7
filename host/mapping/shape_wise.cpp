// Shape-wise mapping (Peng et al., "Optimizing weight mapping and data flow for convolutional neural networks
// on RRAM based processing-in-memory architecture", ISCAS 2019): every kernel position is a matrix of its
// own, whose C rows are cut into ceil(C/R) groups; the last one may be shorter.
#include <algorithm>

#include "host/mapping/models.h"

namespace sramsim {
namespace {

RowPlan make(const ConvShape& shape, int subarray_rows) {
  RowPlan plan;
  plan.subarray_rows = subarray_rows;
  for (int position = 0; position < shape.positions(); ++position)
    for (int c = 0; c < shape.c; c += subarray_rows) {
      plan.segments.push_back({position, c, std::min(c + subarray_rows, shape.c)});
      end_group(plan);
    }
  return plan;
}

}  // namespace

MappingModel shape_wise_mapping() {
  return {"shape-wise", "each kernel position's channels are cut every R rows", make};
}

}  // namespace sramsim
