// The convolution over nonzero codes as a plan.
#pragma once

#include "kernels/int_conv/int_conv.h"
#include "kernels/int_conv/nonzero.h"

namespace sramsim {

class NonzeroConvPlan final : public IntConvPlan {
 public:
  /// nonzero_conv_fits() must hold; max_code bounds |c|.
  NonzeroConvPlan(const ConvShape& shape, int max_code, const NonzeroConvLoops& loops = nonzero_conv_loops())
      : shape_(shape), max_code_(max_code), loops_(loops) {}
  void repack(const int8_t* codes) override;
  void run(const uint8_t* q, int n, const SramOutput& output) const override;

 private:
  ConvShape shape_;
  int max_code_;
  const NonzeroConvLoops& loops_;
  NonzeroWeights weights_;  ///< none before the first repack(): many plans never need them
};

/// Share of the codes q [count] that are not zero, by a sample of words.
double nonzero_share(const uint8_t* q, int64_t count);

}  // namespace sramsim
