// Constants of the cheap converter forms and the trial of every partial sum.
#include "kernels/sram_conv/sram_adc_cuda.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace sramsim::cuda {
namespace {

constexpr uint32_t kFloatOne = 0x3F800000u, kHalfOne = 0x3C00u, kHalfInfinity = 0x7C00u;

/// The half nearest to a positive value within the normal range, as bits.
uint32_t half_bits(double value) {
  int exponent = 0;
  const double fraction =
      std::frexp(value, &exponent);  // value = fraction * 2^exponent, fraction in [0.5, 1)
  const auto significand = static_cast<uint32_t>(std::lrint(fraction * 2048));  // 1024..2048, 11 bits
  const int biased = exponent - 1 + 15;
  if (biased < 1 || biased > 30) return 0;
  return (static_cast<uint32_t>(biased) << 10) + (significand - 1024);
}

/// Codes stop at the converter's limit, or at its largest entry where it never gets there.
uint32_t limit_of(const AdcTable& table, uint32_t p_max) {
  return std::min(table.max_code, *std::max_element(table.code.begin(), table.code.begin() + p_max + 1));
}

template <typename Code>
std::string first_difference(const AdcTable& table, uint32_t p_max, Code code) {
  for (uint32_t p = 0; p <= p_max; ++p)
    if (code(p) != table.code[p])
      return "partial sum " + std::to_string(p) + " gives " + std::to_string(code(p)) + " instead of " +
             std::to_string(table.code[p]);
  return "";
}

/// Tries the exact factor and the next few above it: ties must round up, and nothing else may move.
template <typename Try>
std::string first_admitted(Try attempt) {
  std::string reason = attempt(2);
  for (int nudge : {1, 3, 0, 4, 8})
    if (reason.empty() || attempt(nudge).empty()) return "";
  return reason;
}

/// The same for the factor of the float forms.
template <typename Try>
std::string first_admitted_scale(const AdcTable& table, AdcForm* form, Try attempt) {
  return first_admitted([&](int nudge) {
    form->scale = static_cast<float>(std::ldexp(1.0, 125) / table.step);
    if (!std::isfinite(form->scale)) return std::string("the step is too small for a float");
    for (int k = 0; k < nudge; ++k) form->scale = std::nextafter(form->scale, HUGE_VALF);
    return attempt();
  });
}

std::string admit_clamp(const AdcTable& table, uint32_t p_max, AdcForm* form) {
  form->limit = static_cast<int32_t>(limit_of(table, p_max));
  form->bias = 0;
  return first_difference(table, p_max,
                          [&](uint32_t p) { return std::min(p, static_cast<uint32_t>(form->limit)); });
}

std::string admit_fma(const AdcTable& table, uint32_t p_max, AdcForm* form) {
  const uint32_t limit = limit_of(table, p_max);
  if (limit >= (1u << 23) || p_max >= (1u << 23)) return "codes exceed the 23 bits of a float's significand";
  form->bias = kFloatOne - limit;
  form->offset = static_cast<float>(1.0 - std::ldexp(limit, -24));
  return first_admitted_scale(table, form, [&] {
    return first_difference(table, p_max, [&](uint32_t p) {
      return ptx::fma_saturate(p, form->scale, form->offset) - form->bias;
    });
  });
}

/// A tie would go up or down by the parity of the sum: both are tried.
std::string admit_fused(const AdcTable& table, uint32_t p_max, AdcForm* form) {
  if (p_max >= (1u << 23)) return "partial sums exceed the 23 bits of a float's significand";
  form->bias = 0;
  return first_admitted_scale(table, form, [&] {
    std::string reason;
    for (uint32_t odd = 0; odd < 2 && reason.empty(); ++odd)
      reason = first_difference(table, p_max, [&](uint32_t p) {
        const uint32_t before = FusedSums::kStart + odd;
        return ptx::fma_bits(p, form->scale, before) - before;
      });
    return reason;
  });
}

/// `top`: the code at which the sum saturates.
std::string admit_half2(const AdcTable& table, uint32_t p_max, uint32_t top, AdcForm* form) {
  if (top >= 1024 || p_max >= 2048) return "codes or partial sums exceed the 11 bits of a half";
  const uint32_t scale = half_bits(std::ldexp(1.0, 13) / table.step);
  if (scale == 0) return "the step is out of a half's range";
  const uint32_t offset = half_bits(1.0 - std::ldexp(top, -11)), bias = kHalfOne - top;
  form->bias = bias + (bias << 16);
  form->half_offset = offset | (offset << 16);
  return first_admitted([&](int nudge) {
    if (scale + nudge >= kHalfInfinity) return std::string("the step is out of a half's range");
    form->half_scale = (scale + nudge) | ((scale + nudge) << 16);
    return first_difference(
        table, p_max, [&](uint32_t p) { return ptx::fma_saturate_half(p, scale + nudge, offset) - bias; });
  });
}

/// Halves round ties to even, which is up or down by the parity of `top`. A converter that never saturates
/// may have the other parity: over 2^k rows, b bits have one tie alone, half the full scale, and their exact
/// factor is a half; any larger one would move other sums.
std::string admit_half2(const AdcTable& table, uint32_t p_max, AdcForm* form) {
  const uint32_t limit = limit_of(table, p_max);
  std::string reason = admit_half2(table, p_max, limit, form);
  if (reason.empty() || admit_half2(table, p_max, limit + 1, form).empty()) return "";
  return reason;
}

}  // namespace

const char* to_string(AdcKind kind) {
  switch (kind) {
    case AdcKind::kClamp:
      return "clamp";
    case AdcKind::kFused:
      return "fused";
    case AdcKind::kHalf2:
      return "half2";
    case AdcKind::kFma:
      return "fma";
    case AdcKind::kTable:
      return "table";
    case AdcKind::kNone:
      return "none";
  }
  return "";
}

bool scale_for_float8(AdcForm* form) {
  constexpr uint32_t kShift = 16;  // of the exponent field
  const uint32_t half = form->half_scale & 0xffffu;
  if ((half >> 10) <= kShift) return false;
  const uint32_t scaled = half - (kShift << 10);
  form->half_scale = scaled | (scaled << 16);
  return true;
}

std::string admit_adc_form(const AdcTable& table, uint32_t p_max, AdcKind kind, AdcForm* form) {
  if (table.code.size() <= p_max) return "the table is too short";
  switch (kind) {
    case AdcKind::kClamp:
      return admit_clamp(table, p_max, form);
    case AdcKind::kFused:
      return admit_fused(table, p_max, form);
    case AdcKind::kFma:
      return admit_fma(table, p_max, form);
    case AdcKind::kHalf2:
      return admit_half2(table, p_max, form);
    case AdcKind::kNone:
      return table.lossless() ? "" : "the converter is not lossless";
    case AdcKind::kTable:
      form->bias = 0;
      return "";
  }
  return "";
}

}  // namespace sramsim::cuda
