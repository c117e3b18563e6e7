// Backward pass of the quantised convolution, straight-through: with x = q/act_scale and w = c/weight_scale,
//   dx = conv_transposed(dy, w)        dw = sum over pixels of dy * x        dbias = sum over pixels of dy
// Codes are small integers, exact in bfloat16 as in float; the scales are applied outside:
//   dy' = dy/weight_scale;  dx = conv_transposed(dy', c);  dw = (weight_scale/act_scale) * sum dy' * q
// so that the bfloat16 variant rounds nothing but dy'. Sums are float32 in every variant.
// Layouts: q [N,H,W,C], c and dw [O,KH,KW,C], dy [N,OH,OW,O], dx [N,H,W,C].
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "kernels/core/conv_shape.h"

namespace sramsim {

/// Which algorithm forms the float gradients. On a GPU, auto is tf32 (conv_backward_cuda.h).
enum class ConvBackward {
  kAuto,      ///< bfloat16 where the CPU has native dot products, else Winograd where it applies, else direct
  kDirect,    ///< float32
  kWinograd,  ///< float32, F(4x4,3x3): 3x3 kernels with stride 1
  kBf16,      ///< dy rounded to bfloat16
  kTf32,      ///< GPU only: operands rounded to TF32 (11 significant bits) for its tensor cores
};
/// "auto", "direct", "winograd", "bf16", "tf32"; InputError for another word.
ConvBackward parse_conv_backward(const std::string& text);
std::string to_string(ConvBackward algorithm);

/// One convolution at one batch size; buffers and primitives are kept between calls.
class ConvBackwardPlan {
 public:
  virtual ~ConvBackwardPlan() = default;
  /// dx may be null (a first layer whose input gradient nobody needs).
  virtual void run(const uint8_t* q, const int8_t* codes, float act_scale, float weight_scale,
                   const float* dy, float* dx, float* dw) = 0;
  virtual const char* algorithm() const = 0;
};

/// kAuto falls through to the next algorithm where one does not apply; a forced one then throws InputError.
std::unique_ptr<ConvBackwardPlan> plan_conv_backward(const ConvShape& shape, int n, ConvBackward algorithm);

}  // namespace sramsim
