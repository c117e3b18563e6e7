// Exact integer convolution: what the subarrays compute when no ADC loses anything, and the training forward
// pass.
//   acc[n,oh,ow,o] = sum over the window of q * c        u8 x s8 -> s32, then layer_output() where y is asked
//   for
// oneDNN does the work where its 8-bit kernels are exact for these operands, own loops where few codes are
// not zero; elsewhere a slower exact path.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "kernels/core/conv_shape.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim {

/// Weights packed once. Layouts as everywhere: q [N,H,W,C], codes [O,KH,KW,C], results [N,OH,OW,O].
class IntConvPlan {
 public:
  virtual ~IntConvPlan() = default;
  /// S = acc. One output descriptor of the SRAM op: raw sums as double, or scaled floats.
  virtual void run(const uint8_t* q, int n, const SramOutput& output) const = 0;
  /// Replaces the weights, as every training step does, by some that are no larger than the plan was made
  /// for. Not while a run() is under way.
  virtual void repack(const int8_t* codes) = 0;
};

/// max_q = 2^A - 1 bounds the activation codes (exactness of the 8-bit path depends on it).
std::unique_ptr<IntConvPlan> plan_int_conv(const ConvShape& shape, int max_q, const int8_t* codes);
/// The same for any weights with |c| <= max_code, to be given by repack().
std::unique_ptr<IntConvPlan> plan_int_conv(const ConvShape& shape, int max_q, int max_code);

}  // namespace sramsim
