// The implementations behind plan_conv_backward(), one file each.
#pragma once

#include "kernels/conv_backward/conv_backward.h"

namespace sramsim {

/// Own loops for few rows (first layers).
std::unique_ptr<ConvBackwardPlan> make_direct_backward(const ConvShape& shape, int n);
/// oneDNN; null where it has no such primitive for this shape on this machine.
std::unique_ptr<ConvBackwardPlan> make_onednn_backward(const ConvShape& shape, int n, ConvBackward algorithm);

}  // namespace sramsim
