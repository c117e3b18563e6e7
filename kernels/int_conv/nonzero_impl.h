// Body of the convolution over nonzero codes; included once per instruction set. Vectors of the compiler, so
// that every set takes what registers it has; nothing with external linkage may be defined here.
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#if defined(__AVX512VBMI2__)
// GCC 12 warns of the undefined operands inside its own intrinsics.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#endif

#include "kernels/int_conv/nonzero.h"

namespace sramsim {
namespace {

#if defined(__AVX512BW__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif
using Outputs [[gnu::vector_size(kVectorBytes), gnu::may_alias]] = int16_t;

/// Appends the nonzero ones of `count` codes, the first of which is that of `channel`; returns the list's
/// end.
#if defined(__AVX512VBMI2__)
constexpr int kListed = 64;  ///< codes looked at together

inline Nonzero* list_codes(const uint8_t* codes, int count, int channel, Nonzero* entries, int32_t& sum) {
  alignas(64) static constexpr auto kIota = [] {
    std::array<uint8_t, kListed> iota{};
    for (int k = 0; k < kListed; ++k) iota[k] = static_cast<uint8_t>(k);
    return iota;
  }();
  const __m512i all = _mm512_maskz_loadu_epi8(~uint64_t{0} >> (kListed - count), codes);
  const uint64_t nonzero = _mm512_test_epi8_mask(all, all);
  if (nonzero == 0) return entries;
  alignas(64) uint8_t code[kListed], place[kListed];
  _mm512_store_si512(code, _mm512_maskz_compress_epi8(nonzero, all));
  _mm512_store_si512(place, _mm512_maskz_compress_epi8(nonzero, _mm512_load_si512(kIota.data())));
  const int n = std::popcount(nonzero);
  for (int k = 0; k < n; k += 16) {
    const auto widen = [&](const uint8_t* from) {
      return _mm512_cvtepu8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(from + k)));
    };
    const __m512i channels = _mm512_add_epi32(widen(place), _mm512_set1_epi32(channel));
    _mm512_storeu_si512(entries + k, _mm512_or_si512(channels, _mm512_slli_epi32(widen(code), 16)));
  }
  sum += static_cast<int32_t>(_mm512_reduce_add_epi64(_mm512_sad_epu8(all, _mm512_setzero_si512())));
  return entries + n;
}
#else
constexpr int kListed = 32;

inline Nonzero* list_codes(const uint8_t* codes, int count, int channel, Nonzero* entries, int32_t& sum) {
  uint64_t words[kListed / 8] = {};
  std::memcpy(words, codes, static_cast<size_t>(count));
  if ((words[0] | words[1] | words[2] | words[3]) == 0) return entries;
  for (uint64_t word : words) {
    for (; word != 0; word &= ~(uint64_t{255} << std::countr_zero(word) / 8 * 8)) {
      const int byte = std::countr_zero(word) / 8;
      const auto code = static_cast<uint8_t>(word >> 8 * byte);
      *entries++ = {static_cast<uint16_t>(channel + byte), code};
      sum += code;
    }
    channel += 8;
  }
  return entries;
}
#endif

void list_nonzeros(const uint8_t* codes, int pixels, int c, Nonzero* entries, NonzeroList* lists) {
  for (int p = 0; p < pixels; ++p, codes += c) {
    NonzeroList& list = lists[p];
    list = {entries, 0, 0};
    for (int first = 0; first < c; first += kListed)
      entries = list_codes(codes + first, std::min(kListed, c - first), first, entries, list.sum);
    list.count = static_cast<int>(entries - list.first);
  }
}

/// sums[width] += codes times weight rows w[C][width].
template <int kWidth>
inline void add_codes(const Nonzero* list, int count, const int16_t* w, int16_t* sums) {
  constexpr int kVectors = kWidth * 2 / kVectorBytes;
  Outputs sum[kVectors];
#pragma GCC unroll 16
  for (int v = 0; v < kVectors; ++v) sum[v] = reinterpret_cast<const Outputs*>(sums)[v];
  for (int k = 0; k < count; ++k) {
    const auto* row = reinterpret_cast<const Outputs*>(w + size_t{list[k].channel} * kWidth);
    const int16_t code = list[k].code;
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) sum[v] += code * row[v];
  }
#pragma GCC unroll 16
  for (int v = 0; v < kVectors; ++v) reinterpret_cast<Outputs*>(sums)[v] = sum[v];
}

/// Sums of one output pixel and block: 16 bits while they surely fit, then added to 32.
struct PixelSums {
  int16_t* sums;
  int32_t* pending;  ///< sum of the codes since sums were zero
  int32_t* acc;
};

template <int kWidth>
inline void flush(const PixelSums& pixel, int outputs) {
  for (int o = 0; o < outputs; ++o) pixel.acc[o] += pixel.sums[o];
  std::memset(pixel.sums, 0, kWidth * sizeof *pixel.sums);
  *pixel.pending = 0;
}

/// Output columns whose window has kernel column kw inside the image.
struct ColumnRange {
  int first, end;
};
inline ColumnRange columns_inside(const ConvShape& s, int kw) {
  int first = 0, end = s.out_w();
  while (first < end && first * s.stride - s.padding + kw < 0) ++first;
  while (end > first && (end - 1) * s.stride - s.padding + kw >= s.w) --end;
  return {first, end};
}

/// One block of output channels: acc [rows,OW,O] from its first channel on.
template <int kVectors>
void forward_block(const NonzeroWeights& weights, const int16_t* w, const NonzeroList* lists, RowRange rows,
                   int outputs, int16_t* sums, int32_t* pending, int32_t* acc) {
  constexpr int kWidth = kVectors * kNonzeroVector;
  const ConvShape& s = weights.shape;
  const int out_w = s.out_w(), pixels = rows.count * out_w;
  const int32_t limit = INT16_MAX / weights.max_code;  // codes of that sum keep 16 bits
  const auto pixel_sums = [&](int pixel) {
    return PixelSums{sums + static_cast<size_t>(pixel) * kWidth, pending + pixel,
                     acc + static_cast<size_t>(pixel) * s.o};
  };
  std::memset(sums, 0, static_cast<size_t>(pixels) * kWidth * sizeof *sums);
  std::memset(pending, 0, static_cast<size_t>(pixels) * sizeof *pending);
  for (int pixel = 0; pixel < pixels; ++pixel)
    std::memset(acc + static_cast<size_t>(pixel) * s.o, 0, outputs * sizeof *acc);
  const auto add = [&](const PixelSums& to, const int16_t* w_rows, const Nonzero* list, int count,
                       int32_t sum) {
    if (*to.pending + sum > limit) flush<kWidth>(to, outputs);
    add_codes<kWidth>(list, count, w_rows, to.sums);
    *to.pending += sum;
  };
  // Kernel positions outside: their weights serve all pixels.
  for (int kh = 0; kh < s.kh; ++kh)
    for (int kw = 0; kw < s.kw; ++kw, w += static_cast<size_t>(s.c) * kWidth) {
      const ColumnRange columns = columns_inside(s, kw);
      for (int r = 0; r < rows.count; ++r) {
        const int ih = (rows.first + r) * s.stride - s.padding + kh;
        if (ih < 0 || ih >= s.h) continue;
        const NonzeroList* row = lists + static_cast<size_t>(ih) * s.w;
        for (int ow = columns.first; ow < columns.end; ++ow) {
          const NonzeroList& list = row[ow * s.stride - s.padding + kw];
          if (list.count == 0) continue;
          const PixelSums to = pixel_sums(r * out_w + ow);
          if (list.sum <= limit)
            add(to, w, list.first, list.count, list.sum);
          else
            for (int k = 0; k < list.count; ++k) add(to, w, list.first + k, 1, list.first[k].code);
        }
      }
    }
  for (int pixel = 0; pixel < pixels; ++pixel)
    if (pending[pixel] > 0) flush<kWidth>(pixel_sums(pixel), outputs);
}

void forward_rows(const NonzeroWeights& weights, const NonzeroList* lists, RowRange rows, int16_t* sums,
                  int32_t* pending, int32_t* acc) {
  const ConvShape& s = weights.shape;
  const int16_t* w = weights.weights.get();
  for (int first = 0; first < s.o; first += kNonzeroBlock) {
    const int outputs = std::min(kNonzeroBlock, s.o - first);
    const int vectors = (outputs + kNonzeroVector - 1) / kNonzeroVector;
    constexpr decltype(&forward_block<1>) kBlocks[] = {forward_block<1>, forward_block<2>, forward_block<3>,
                                                       forward_block<4>};
    kBlocks[vectors - 1](weights, w, lists, rows, outputs, sums, pending, acc + first);
    w += static_cast<size_t>(s.rows()) * vectors * kNonzeroVector;
  }
}

}  // namespace
}  // namespace sramsim
