#include "kernels/conv_backward/conv_backward.h"

#include "kernels/conv_backward/plans.h"
#include "kernels/core/error.h"
#include "kernels/int_conv/direct.h"
#include "kernels/onednn/onednn.h"

namespace sramsim {
namespace {

constexpr struct {
  ConvBackward algorithm;
  const char* name;
} kNames[] = {{ConvBackward::kAuto, "auto"},
              {ConvBackward::kDirect, "direct"},
              {ConvBackward::kWinograd, "winograd"},
              {ConvBackward::kBf16, "bf16"},
              {ConvBackward::kTf32, "tf32"}};

}  // namespace

ConvBackward parse_conv_backward(const std::string& text) {
  for (const auto& [algorithm, name] : kNames)
    if (text == name) return algorithm;
  throw InputError("backward algorithm '" + text +
                   "' is unknown, choose auto, direct, winograd, bf16 or tf32");
}

std::string to_string(ConvBackward algorithm) {
  for (const auto& [known, name] : kNames)
    if (known == algorithm) return name;
  return "";
}

std::unique_ptr<ConvBackwardPlan> plan_conv_backward(const ConvShape& shape, int n, ConvBackward algorithm) {
  if (algorithm == ConvBackward::kTf32)
    throw InputError(
        "backward algorithm 'tf32' is for GPUs: on the CPU choose auto, direct, winograd or bf16");
  if (shape.rows() <= kDirectRows) return make_direct_backward(shape, n);
  if (algorithm != ConvBackward::kAuto) {
    if (auto plan = make_onednn_backward(shape, n, algorithm)) return plan;
    if (algorithm == ConvBackward::kBf16)
      throw InputError("backward algorithm 'bf16': oneDNN has no bfloat16 convolution on this CPU");
  } else {
    if (onednn::has_bf16())
      if (auto plan = make_onednn_backward(shape, n, ConvBackward::kBf16)) return plan;
    if (auto plan = make_onednn_backward(shape, n, ConvBackward::kWinograd)) return plan;
  }
  // Winograd is a choice for the layers it fits: the others take the direct algorithm.
  if (auto plan = make_onednn_backward(shape, n, ConvBackward::kDirect)) return plan;
  throw RunError("oneDNN has no backward convolution for this layer");
}

}  // namespace sramsim
