#include "kernels/int_conv/direct.h"

#include <vector>

#include "kernels/core/cpu_features.h"
#include "kernels/int_conv/direct_targets.h"

namespace sramsim {

std::span<const DirectConvLoops* const> direct_conv_targets() {
  static const std::vector<const DirectConvLoops*> targets = [] {
    std::vector<const DirectConvLoops*> list;
    if (const auto* t = direct_conv_avx512(); t && cpu_has_avx512()) list.push_back(t);
    if (const auto* t = direct_conv_avx2(); t && cpu_has_avx2()) list.push_back(t);
    list.push_back(direct_conv_portable());
    return list;
  }();
  return targets;
}

const DirectConvLoops& direct_conv_loops() {
  return *direct_conv_targets().front();
}

}  // namespace sramsim
