// The variants of the SRAM convolution, one source file each, and what they share with the reference: only
// the last step, so that a packing error cannot cancel. Codes of a table need not start at 0 (code[0] may be
// an offset): a variant that skips zero words must add that constant itself or refuse.
#pragma once

#include "kernels/sram_conv/sram_conv.h"

namespace sramsim {

SramConvVariant sram_conv_integer();
SramConvVariant sram_conv_mixed();
SramConvVariant sram_conv_by_density();
SramConvVariant sram_conv_amx();
SramConvVariant sram_conv_avx512();
SramConvVariant sram_conv_avx2();
SramConvVariant sram_conv_portable();
SramConvVariant sram_conv_reference();

/// The weights of a spec that `amx` does not refuse fit the matrix unit; else that variant's plan is
/// `avx512`'s.
bool matrix_unit_fits(const SramConvSpec& spec, const int8_t* codes);

/// Delivers the raw sum of output channel o at flat pixel index (n*OH + oh)*OW + ow.
inline void store_output(const SramOutput& out, int64_t pixel, int channels, int o, double s) {
  const int64_t at = pixel * channels + o;
  if (out.s) out.s[at] = s;
  if (out.y)
    out.y[at] = layer_output(s, out.act_scale, out.weight_scale, out.bias ? out.bias[o] : 0.0f, out.relu);
}

}  // namespace sramsim
