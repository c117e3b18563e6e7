// The inner loops of the mma kernels: partial sums of a warp's tile, converted and added up where they arise.
//
//   for (digit, plane):                                     a pass
//     for units of K:                                       a step
//       p = mma(activation bits, weight bits [& row mask])  partial sums of 32 pixels x 8*kN output channels
//       acc += form(p)                                      where a row group is complete
// Three loops: *direct* where a row group lies within one unit, so that every mma is converted at once;
// *chained* where it spans several units or the DAC drives several bits, so that partial sums pass through
// the mma's C operand; *integer* where the converters lose nothing and codes are multiplied as they are.
#pragma once

#include "kernels/sram_conv/sram_tile_mma.cuh"

namespace sramsim::cuda {

/// Adds a product of unsigned 8-bit activations and signed 8-bit weights to accumulator words.
SRAMSIM_DEVICE void add_integer_product(uint32_t (&acc)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  int32_t d[4];
  for (int k = 0; k < 4; ++k) d[k] = static_cast<int32_t>(acc[k]);
  ptx::mma_u8s8_k32(d, a, b, d);
  for (int k = 0; k < 4; ++k) acc[k] = static_cast<uint32_t>(d[k]);
}

/// Adds the conversions of one mma tile's partial sums.
template <class Form>
SRAMSIM_DEVICE void convert(const AdcForm& form, ptx::SharedAddress table, const int32_t (&p)[4],
                            uint32_t* acc) {
  if constexpr (Form::kKind == AdcKind::kTable)
    TableForm::convert(table, p, acc);
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

/// Two products for the same accumulators, so that their additions share an instruction: two row groups of
/// one unit (kSameB: the activations are masked, the weights are the same), or two units of one group each.
/// `w`: operand B of each.
template <bool kSameB, class Form, int kN, class Operands>
SRAMSIM_DEVICE void direct_pair(const SramConvArgs& args, const Operands& operands, const uint32_t (&a)[2][4],
                                const int32_t (&w)[2], Accumulators<Form, kN>& sums) {
  constexpr int kColumns = kSameB ? 4 : 2;  // of one ldmatrix
  SRAMSIM_UNROLL
  for (int first = 0; first < kN; first += kColumns) {
    uint32_t b[kColumns][2];
    if constexpr (kSameB) {
      uint32_t quad[4];
      operands.template load_b<4>(quad, w[0] + 8 * first);
      for (int n = 0; n < 4; ++n) b[n][0] = b[n][1] = quad[n];
    } else {
      operands.load_two_units_b(b, w[0], w[1], 8 * first);
    }
    SRAMSIM_UNROLL
    for (int n = 0; n < kColumns; ++n) SRAMSIM_UNROLL
    for (int m = 0; m < kRowTiles; ++m) SRAMSIM_UNROLL
    for (int u = 0; u < 2; ++u)
      multiply_convert<Form>(args.adc, a[u][2 * m], a[u][2 * m + 1], b[n][u], sums.acc[m][first + n]);
  }
  sums.bias += 2 * args.adc.bias;
}

/// The same for one unit that is one row group.
template <class Form, int kN, class Operands>
SRAMSIM_DEVICE void direct_single(const SramConvArgs& args, const Operands& operands, const uint32_t (&a)[4],
                                  int32_t w, Accumulators<Form, kN>& sums) {
  SRAMSIM_UNROLL
  for (int quad = 0; quad < kN; quad += 4) {
    uint32_t b[4];
    operands.template load_b<4>(b, w + 8 * quad);
    SRAMSIM_UNROLL
    for (int n = 0; n < 4; ++n) SRAMSIM_UNROLL
    for (int m = 0; m < kRowTiles; ++m)
      multiply_convert<Form>(args.adc, a[2 * m], a[2 * m + 1], b[n], sums.acc[m][quad + n]);
  }
  sums.bias += args.adc.bias;
}

/// Direct loop over the steps of one pass that `lit` notes, kStepsPerWord of them to a word.
template <int kGroups, class Form, int kN, class Operands>
SRAMSIM_DEVICE void direct_pass(const SramConvArgs& args, const Operands& operands, const Unit& pass,
                                ptx::SharedAddress lit, Accumulators<Form, kN>& sums) {
  const auto pass_a = static_cast<int32_t>(pass.word[0]), pass_w = static_cast<int32_t>(pass.word[1]);
  for (int first = 0; first < args.step_count; first += kStepsPerWord) {
    uint32_t todo = ptx::shared_load(lit);
    lit += 4;
    while (todo != 0) {
      uint32_t a[2][4];
      int32_t w[2];
      const int s = first + ptx::lowest_bit(todo);
      todo &= todo - 1;
      const Unit step = operands.step(s);
      w[0] = pass_w + static_cast<int32_t>(step.word[2]);
      operands.load_a(a[0], pass_a + static_cast<int32_t>(step.word[0]));
      if constexpr (kGroups == 2) {
        const uint32_t mask[2] = {operands.step_mask(s, 0), operands.step_mask(s, 1)};
        SRAMSIM_UNROLL
        for (int k = 0; k < 4; ++k) {
          a[1][k] = a[0][k] & mask[1];
          a[0][k] &= mask[0];
        }
        w[1] = w[0];
        direct_pair<true>(args, operands, a, w, sums);
      } else if (!Form::kSharesAdditions || todo == 0) {
        direct_single(args, operands, a[0], w[0], sums);
      } else {
        const Unit other = operands.step(first + ptx::lowest_bit(todo));
        todo &= todo - 1;
        w[1] = pass_w + static_cast<int32_t>(other.word[2]);
        operands.load_a(a[1], pass_a + static_cast<int32_t>(other.word[0]));
        direct_pair<false>(args, operands, a, w, sums);
      }
    }
  }
}

/// Loop over the steps of an integer product: all of K is one sum, which stays in the mma's accumulators.
template <class Form, int kN, class Operands>
SRAMSIM_DEVICE void integer_pass(const Operands& operands, int first, int last,
                                 Accumulators<Form, kN>& sums) {
  static_assert(Form::kKind == AdcKind::kNone && Form::kWords == 4);
  SRAMSIM_UNROLL_2
  for (int s = first; s < last; ++s) {
    const Unit step = operands.step(s);
    uint32_t a[kRowTiles][4], b[kN][2];
    operands.load_two_units_a(a, step, 0);
    operands.load_two_units_b(b, static_cast<int32_t>(step.word[2]), static_cast<int32_t>(step.word[3]), 0);
    const uint32_t mask = operands.step_mask(s, 1);  // an odd last step has no second unit
    SRAMSIM_UNROLL
    for (int n = 0; n < kN; ++n) b[n][1] &= mask;
    SRAMSIM_UNROLL
    for (int n = 0; n < kN; ++n) SRAMSIM_UNROLL
    for (int m = 0; m < kRowTiles; ++m) add_integer_product(sums.acc[m][n], a[m], b[n]);
  }
}

/// Chained loop over the steps first .. last - 1 of one pass: whole row groups.
template <class Form, int kN, class Operands>
SRAMSIM_DEVICE void chained_pass(const SramConvArgs& args, const Operands& operands, const Unit& pass,
                                 int first, int last, Accumulators<Form, kN>& sums) {
  const auto pass_a = static_cast<int32_t>(pass.word[0]), pass_w = static_cast<int32_t>(pass.word[1]);
  int32_t p[kRowTiles][kN][4] = {};
  bool any = false;  // whether the row group has met a set activation bit
  for (int s = first; s < last; ++s) {
    const Unit step = operands.step(s);
    const uint32_t flags = operands.step_flags(s);
    if ((flags & kStepFirst) != 0) {
      any = false;
      SRAMSIM_UNROLL
      for (int m = 0; m < kRowTiles; ++m) SRAMSIM_UNROLL
      for (int n = 0; n < kN; ++n) SRAMSIM_UNROLL
      for (int k = 0; k < 4; ++k) p[m][n][k] = 0;
    } else if ((flags & kStepDouble) != 0) {
      SRAMSIM_UNROLL
      for (int m = 0; m < kRowTiles; ++m) SRAMSIM_UNROLL
      for (int n = 0; n < kN; ++n) SRAMSIM_UNROLL
      for (int k = 0; k < 4; ++k) p[m][n][k] *= 2;
    }
    uint32_t a[kRowTiles][4], b[kN][2];
    operands.load_two_units_a(a, step, pass_a);
    uint32_t bits = 0;
    SRAMSIM_UNROLL
    for (int m = 0; m < kRowTiles; ++m) bits |= a[m][0] | a[m][1] | a[m][2] | a[m][3];
    if (ptx::warp_any(bits != 0)) {
      any = true;
      operands.load_two_units_b(b, static_cast<int32_t>(step.word[2]), static_cast<int32_t>(step.word[3]),
                                pass_w);
      const uint32_t mask[2] = {operands.step_mask(s, 0), operands.step_mask(s, 1)};
      SRAMSIM_UNROLL
      for (int n = 0; n < kN; ++n) {
        b[n][0] &= mask[0];
        b[n][1] &= mask[1];
        SRAMSIM_UNROLL
        for (int m = 0; m < kRowTiles; ++m) ptx::mma_and_k256(p[m][n], a[m], b[n], p[m][n]);
      }
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
