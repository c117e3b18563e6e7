// The inner loops of the mma kernels: partial sums of a warp's tile, converted and added up where they arise.
//
//   for (digit, plane):                                     a pass
//     for units of K:                                       a step
//       p = mma(activation bits, weight bits [& row mask])  partial sums of 32 pixels x 8*kN output channels
//       acc += form(p)                                      where a row group is complete
// Two loops: *direct* where a row group lies within one unit, so that every mma is converted at once;
// *chained* where it spans several units or the DAC drives several bits, so that partial sums pass through
// the mma's C operand.
#pragma once

#include "kernels/sram_conv/sram_tile_mma.cuh"

namespace sramsim::cuda {

/// Binary planes: 128 channels a unit.
struct BinaryProduct {
  SRAMSIM_DEVICE static void multiply(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    ptx::mma_and_k256(d, a, b, d);
  }
};

/// Unsigned 8-bit activations, signed 8-bit weights: 16 channels a unit.
struct IntegerProduct {
  SRAMSIM_DEVICE static void multiply(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    ptx::mma_u8s8_k32(d, a, b, d);
  }
};

/// Adds the conversions of one mma tile's partial sums.
template <class Form>
SRAMSIM_DEVICE void convert(const AdcForm& form, ptx::SharedAddress table, const int32_t (&p)[4],
                            uint32_t* acc) {
  if constexpr (Form::kKind == AdcKind::kTable)
    TableForm::convert(table, p, acc);
  else if constexpr (Form::kKind == AdcKind::kNone)
    for (int k = 0; k < 4; ++k) acc[k] += static_cast<uint32_t>(p[k]);
  else
    Form::convert(form, p, acc);
}

/// One mma, 128 deep, of one row group, and its conversion.
template <class Form>
SRAMSIM_DEVICE void multiply_convert(const AdcForm& form, uint32_t a0, uint32_t a1, uint32_t b,
                                     uint32_t* acc) {
  int32_t c[4] = {0, 0, 0, 0};
  int32_t p[4];
  if constexpr (Form::kKind ==
                AdcKind::kClamp) {  // acc + min(p, L) = min(acc + p, acc + L): the mma adds for free
    for (int k = 0; k < 4; ++k) c[k] = static_cast<int32_t>(acc[k]);
    ptx::mma_and_k128(p, a0, a1, b, c);
    for (int k = 0; k < 4; ++k) acc[k] = static_cast<uint32_t>(ptx::add_min(c[k], form.limit, p[k]));
  } else {
    ptx::mma_and_k128(p, a0, a1, b, c);
    Form::convert(form, p, acc);
  }
}

/// `kUnits` steps at once, one or two row groups each (`kGroups` masks; 1: the whole unit). Two conversions
/// for the same accumulator in one body let their additions share an instruction.
template <int kUnits, int kGroups, class Form, int kN, class Operands>
SRAMSIM_DEVICE void direct_steps(const SramConvArgs& args, const Operands& operands, const Unit& pass, int s,
                                 Accumulators<Form, kN>& sums) {
  uint32_t a[kUnits][4], b[kUnits][kN];
  int32_t w[kUnits];
  uint32_t bits = 0;
  SRAMSIM_UNROLL
  for (int u = 0; u < kUnits; ++u) {
    const Unit step = operands.step(s + u);
    w[u] = static_cast<int32_t>(pass.word[1] + step.word[2]);
    operands.load_a(a[u], static_cast<int32_t>(pass.word[0] + step.word[0]));
    bits |= a[u][0] | a[u][1] | a[u][2] | a[u][3];
  }
  if (args.skip_zeros && !ptx::warp_any(bits != 0)) return;
  SRAMSIM_UNROLL
  for (int u = 0; u < kUnits; ++u) operands.template load_b<kN>(b[u], w[u]);
  uint32_t mask[kGroups];
  SRAMSIM_UNROLL
  for (int group = 0; group < kGroups; ++group)
    mask[group] = kGroups == 1 ? ~0u : operands.step_mask(s, group);
  SRAMSIM_UNROLL
  for (int n = 0; n < kN; ++n) SRAMSIM_UNROLL
  for (int m = 0; m < kRowTiles; ++m) SRAMSIM_UNROLL
  for (int u = 0; u < kUnits; ++u) SRAMSIM_UNROLL
  for (int group = 0; group < kGroups; ++group)
    multiply_convert<Form>(args.adc, a[u][2 * m], a[u][2 * m + 1], b[u][n] & mask[group], sums.acc[m][n]);
  sums.bias += kUnits * kGroups * args.adc.bias;
}

/// Direct loop over the steps of one pass. Operands: see HaloOperands.
template <int kGroups, class Form, int kN, class Operands>
SRAMSIM_DEVICE void direct_pass(const SramConvArgs& args, const Operands& operands, const Unit& pass,
                                Accumulators<Form, kN>& sums) {
  int s = 0;
  if constexpr (kGroups == 1 && Form::kKind != AdcKind::kClamp)
    for (; s + 1 < args.step_count; s += 2) direct_steps<2, 1>(args, operands, pass, s, sums);
  for (; s < args.step_count; ++s) direct_steps<1, kGroups>(args, operands, pass, s, sums);
}

/// Chained loop over the steps of one pass.
template <class Product, class Form, int kN, class Operands>
SRAMSIM_DEVICE void chained_pass(const SramConvArgs& args, const Operands& operands, const Unit& pass,
                                 Accumulators<Form, kN>& sums) {
  const auto pass_a = static_cast<int32_t>(pass.word[0]), pass_w = static_cast<int32_t>(pass.word[1]);
  int32_t p[kRowTiles][kN][4] = {};
  bool any = false;  // whether the row group has met a set activation bit
  for (int s = 0; s < args.step_count; ++s) {
    const Unit step = operands.step(s);
    const uint32_t flags = operands.step_flags(s);
    if ((flags & (kStepFirst | kStepDouble)) != 0) {
      const int keep = (flags & kStepDouble) != 0 ? 1 : 0;
      SRAMSIM_UNROLL
      for (int m = 0; m < kRowTiles; ++m) SRAMSIM_UNROLL
      for (int n = 0; n < kN; ++n) SRAMSIM_UNROLL
      for (int k = 0; k < 4; ++k) p[m][n][k] = keep != 0 ? 2 * p[m][n][k] : 0;
      any = any && keep != 0;
    }
    uint32_t a[2][4];
    for (int u = 0; u < 2; ++u) operands.load_a(a[u], pass_a + static_cast<int32_t>(step.word[u]));
    const uint32_t bits = a[0][0] | a[0][1] | a[0][2] | a[0][3] | a[1][0] | a[1][1] | a[1][2] | a[1][3];
    if (ptx::warp_any(bits != 0)) {
      any = true;
      uint32_t b[2][kN];
      for (int u = 0; u < 2; ++u) {
        operands.template load_b<kN>(b[u], pass_w + static_cast<int32_t>(step.word[2 + u]));
        const uint32_t mask = operands.step_mask(s, u);
        SRAMSIM_UNROLL
        for (int n = 0; n < kN; ++n) b[u][n] &= mask;
      }
      SRAMSIM_UNROLL
      for (int n = 0; n < kN; ++n) SRAMSIM_UNROLL
      for (int m = 0; m < kRowTiles; ++m)
        Product::multiply(p[m][n], {a[0][2 * m], a[0][2 * m + 1], a[1][2 * m], a[1][2 * m + 1]},
                          {b[0][n], b[1][n]});
    }
    if ((flags & kStepLast) != 0 && (any || !args.skip_zeros)) {
      SRAMSIM_UNROLL
      for (int n = 0; n < kN; ++n) SRAMSIM_UNROLL
      for (int m = 0; m < kRowTiles; ++m) convert<Form>(args.adc, operands.table, p[m][n], sums.acc[m][n]);
      sums.bias += args.adc.bias;
    }
  }
}

}  // namespace sramsim::cuda
