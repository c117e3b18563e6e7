#include "kernels/elementwise/loops.h"

#include <vector>

#include "kernels/core/cpu_features.h"
#include "kernels/elementwise/targets.h"

namespace sramsim {

std::span<const ElementwiseLoops* const> elementwise_targets() {
  static const std::vector<const ElementwiseLoops*> targets = [] {
    std::vector<const ElementwiseLoops*> list;
    if (const auto* t = elementwise_avx512(); t && cpu_has_avx512()) list.push_back(t);
    if (const auto* t = elementwise_avx2(); t && cpu_has_avx2()) list.push_back(t);
    list.push_back(elementwise_portable());
    return list;
  }();
  return targets;
}

const ElementwiseLoops& elementwise_loops() {
  return *elementwise_targets().front();
}

}  // namespace sramsim
