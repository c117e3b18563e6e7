#include "kernels/int_conv/nonzero.h"

#include <algorithm>
#include <vector>

#include "kernels/core/cpu_features.h"
#include "kernels/core/division.h"
#include "kernels/int_conv/nonzero_targets.h"

namespace sramsim {

std::span<const NonzeroConvLoops* const> nonzero_conv_targets() {
  static const std::vector<const NonzeroConvLoops*> targets = [] {
    std::vector<const NonzeroConvLoops*> list;
    if (const auto* t = nonzero_conv_avx512(); t && cpu_has_avx512()) list.push_back(t);
    if (const auto* t = nonzero_conv_avx2(); t && cpu_has_avx2()) list.push_back(t);
    list.push_back(nonzero_conv_portable());
    return list;
  }();
  return targets;
}

const NonzeroConvLoops& nonzero_conv_loops() {
  return *nonzero_conv_targets().front();
}

bool nonzero_conv_fits(const ConvShape& shape, int max_q, int max_code) {
  return shape.c <= UINT16_MAX && max_q * max_code <= INT16_MAX;
}

NonzeroWeights make_nonzero_weights(const ConvShape& shape, int max_code) {
  const int64_t outputs = round_up(shape.o, kNonzeroVector);
  return {shape, std::max(max_code, 1), AlignedArray<int16_t>(static_cast<size_t>(shape.rows() * outputs))};
}

void pack_nonzero_weights(const int8_t* codes, NonzeroWeights& packed) {
  const ConvShape& shape = packed.shape;
  const int64_t rows = shape.rows();
  for (int first = 0; first < shape.o; first += kNonzeroBlock) {
    const int outputs = std::min(kNonzeroBlock, shape.o - first), width = round_up(outputs, kNonzeroVector);
    int16_t* const block = packed.weights.get() + first * rows;  // all blocks before are full
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < rows; ++row)
      for (int o = 0; o < outputs; ++o) block[row * width + o] = codes[(first + o) * rows + row];
  }
}

}  // namespace sramsim
