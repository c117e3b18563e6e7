// The carry-save kernel for AVX-512: VPTERNLOG full adders on 512 columns, GFNI bit transposes, VBMI byte
// permutes as converter, VNNI dot products as shift-add.
#include "kernels/sram_conv/carry_save.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512VBMI__) && \
    defined(__AVX512VBMI2__) && defined(__AVX512VNNI__) && defined(__GFNI__)

// GCC 12 warns of the undefined operands inside its own intrinsics.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <array>

#include "kernels/sram_conv/carry_save_kernel.h"

namespace sramsim::carry_save {
namespace {

/// List entries of 32 consecutive rows of 64 bytes.
alignas(64) constexpr std::array<uint16_t, kRunRows> kRunEntries = [] {
  std::array<uint16_t, kRunRows> entries{};
  for (int row = 0; row < kRunRows; ++row) entries[row] = static_cast<uint16_t>(8 * row);
  return entries;
}();

struct Avx512 {
  using Vector = __m512i;
  static constexpr int kLanes = 16;
  static constexpr bool kHasChunked = true;
  static constexpr bool kShifts = false;  // look-ups are cheap, and codes as planes no faster
  static constexpr bool kHasSix = true;   // one permute of 64 entries: a third of what 128 take on Intel

  SRAMSIM_INLINE static Vector load(const void* from) { return _mm512_load_si512(from); }
  SRAMSIM_INLINE static void store(void* to, Vector v) { _mm512_store_si512(to, v); }
  SRAMSIM_INLINE static uint64_t entry(uint64_t word, int k) { return _bextr_u64(word, 16 * k, 16); }
  SRAMSIM_INLINE static Vector zero() { return _mm512_setzero_si512(); }
  SRAMSIM_INLINE static Vector add_shifted(Vector a, Vector b, int shift) {
    return _mm512_add_epi32(a, _mm512_sll_epi32(b, _mm_cvtsi32_si128(shift)));
  }
  SRAMSIM_INLINE static bool is_zero(Vector v) { return _mm512_test_epi64_mask(v, v) == 0; }

  /// sum += b + c; returns the carry. The carry is made from b, c and the new sum (b where b == c, else not
  /// sum), so that neither step needs a copy of its operand.
  SRAMSIM_INLINE static Vector full_add(Vector& sum, Vector b, Vector c) {
    sum = _mm512_ternarylogic_epi64(sum, b, c, 0x96);
    return _mm512_ternarylogic_epi64(b, c, sum, 0xD4);
  }
  SRAMSIM_INLINE static Vector half_add(Vector& sum, Vector b) {
    const Vector carry = _mm512_and_si512(sum, b);
    sum = _mm512_xor_si512(sum, b);
    return carry;
  }

  /// List entries of the rows of a run; append() keeps those of the set rows.
  SRAMSIM_INLINE static Vector entries(const Run& run) {
    return _mm512_add_epi16(load(kRunEntries.data()), _mm512_set1_epi16(static_cast<int16_t>(run.entry)));
  }
  SRAMSIM_INLINE static void append(Vector entries, uint32_t set, uint16_t* list) {
    _mm512_storeu_si512(list, _mm512_maskz_compress_epi16(set, entries));
  }
  SRAMSIM_INLINE static void end_list(uint16_t* list) { _mm512_storeu_si512(list, zero()); }

  /// Index bytes: byte 4*lane + plane of v[cell] is the low part of that column's partial sum. For kNibble,
  /// v[k] holds two cells: 2k in the high and 2k+1 in the low nibbles.
  template <Range kRange>
  struct Index {
    Vector v[kRange == Range::kNibble ? 4 : 8];
    Vector high[kRange >= Range::kChunked ? 8 : 1];
    Vector top[kRange == Range::kWide ? 8 : 1];
  };

  /// Byte b of four planes -> one dword of quads[k], b = 16*block + 4*k + dword; the highest plane first.
  SRAMSIM_INLINE static void interleave(Vector p0, Vector p1, Vector p2, Vector p3, Vector (&quads)[4]) {
    const Vector high_lo = _mm512_unpacklo_epi8(p3, p2), high_hi = _mm512_unpackhi_epi8(p3, p2);
    const Vector low_lo = _mm512_unpacklo_epi8(p1, p0), low_hi = _mm512_unpackhi_epi8(p1, p0);
    quads[0] = _mm512_unpacklo_epi16(high_lo, low_lo);
    quads[1] = _mm512_unpackhi_epi16(high_lo, low_lo);
    quads[2] = _mm512_unpacklo_epi16(high_hi, low_hi);
    quads[3] = _mm512_unpackhi_epi16(high_hi, low_hi);
  }
  /// 8x8 bit transpose of every qword: bit k of byte b = bit b of byte 7-k.
  SRAMSIM_INLINE static Vector transpose_bits(Vector v) {
    return _mm512_gf2p8affine_epi64_epi8(_mm512_set1_epi64(static_cast<int64_t>(0x8040201008040201)), v, 0);
  }
  /// Eight planes -> the bytes of eight cells.
  SRAMSIM_INLINE static void transpose(const Vector (&p)[8], Vector (&bytes)[8]) {
    Vector low[4], high[4];
    interleave(p[0], p[1], p[2], p[3], low);
    interleave(p[4], p[5], p[6], p[7], high);
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      bytes[2 * k] = transpose_bits(_mm512_mask_shuffle_epi32(high[k], 0xAAAA, low[k], _MM_PERM_CCAA));
      bytes[2 * k + 1] = transpose_bits(_mm512_mask_shuffle_epi32(low[k], 0x5555, high[k], _MM_PERM_DDBB));
    }
  }

  template <Range kRange>
  SRAMSIM_INLINE static Index<kRange> make_index(const Vector (&p)[kPlanes<kRange>]) {
    Index<kRange> index;
    if constexpr (kRange == Range::kNibble) {
      interleave(p[0], p[1], p[2], p[3], index.v);
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) index.v[k] = transpose_bits(index.v[k]);
    } else if constexpr (kRange == Range::kSix) {
      transpose({p[0], p[1], p[2], p[3], p[4], p[5], zero(), zero()}, index.v);
    } else if constexpr (kRange == Range::kSeven) {
      transpose({p[0], p[1], p[2], p[3], p[4], p[5], p[6], zero()}, index.v);
    } else if constexpr (kRange == Range::kEight) {
      transpose(p, index.v);
    } else if constexpr (kRange == Range::kChunked) {
      transpose({p[0], p[1], p[2], p[3], p[4], p[5], p[6], zero()}, index.v);
      transpose({p[7], p[8], p[9], p[10], p[11], zero(), zero(), zero()}, index.high);
    } else {
      transpose({p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]}, index.v);
      transpose({p[8], p[9], p[10], p[11], p[12], p[13], p[14], p[15]}, index.high);
      transpose({p[16], p[17], p[18], p[19], p[20], p[21], p[22], p[23]}, index.top);
    }
    return index;
  }

  SRAMSIM_INLINE static Vector look_up_128(const uint8_t* table, Vector index) {
    return _mm512_permutex2var_epi8(load(table), index, load(table + 64));
  }
  static Vector look_up_chunks(const uint8_t* table, uint32_t bound, Vector low, Vector high) {
    Vector code = look_up_128(table, low);
    for (uint32_t chunk = 1; chunk <= bound >> 7; ++chunk)
      code =
          _mm512_mask_mov_epi8(code, _mm512_cmpeq_epi8_mask(high, _mm512_set1_epi8(static_cast<char>(chunk))),
                               look_up_128(table + 128 * chunk, low));
    return code;
  }
  static Vector gather(const uint8_t* table, Vector low, Vector high, Vector top) {
    Vector code = zero();
    const Vector byte = _mm512_set1_epi32(255);
    for (int j = 0; j < 4; ++j) {
      const auto pick = [&](Vector v) { return _mm512_and_si512(_mm512_srli_epi32(v, 8 * j), byte); };
      const Vector p = _mm512_or_si512(
          pick(low), _mm512_or_si512(_mm512_slli_epi32(pick(high), 8), _mm512_slli_epi32(pick(top), 16)));
      const Vector value = _mm512_and_si512(_mm512_i32gather_epi32(p, table, 1), byte);
      code = _mm512_or_si512(code, _mm512_slli_epi32(value, 8 * j));
    }
    return code;
  }

  template <Range kRange>
  SRAMSIM_INLINE static void add_codes(const Index<kRange>& index, const ByteTable& table, uint32_t bound,
                                       const uint32_t* dots, Vector (&acc)[kCells]) {
    const auto add = [&](int cell, Vector code) {
      acc[cell] = _mm512_dpbusd_epi32(acc[cell], code, _mm512_set1_epi32(static_cast<int32_t>(dots[cell])));
    };
    if constexpr (kRange == Range::kNibble) {
      // VPERMB takes six index bits: two of the other nibble are harmless, the table stands there four times.
      const Vector nibble = load(table.nibble);
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        add(2 * k, _mm512_permutexvar_epi8(_mm512_srli_epi16(index.v[k], 4), nibble));
        add(2 * k + 1, _mm512_permutexvar_epi8(index.v[k], nibble));
      }
    } else if constexpr (kRange == Range::kSix) {
      const Vector codes = load(table.bytes);
#pragma GCC unroll 8
      for (int cell = 0; cell < kCells; ++cell) add(cell, _mm512_permutexvar_epi8(index.v[cell], codes));
    } else {
#pragma GCC unroll 8
      for (int cell = 0; cell < kCells; ++cell) {
        const Vector low = index.v[cell];
        if constexpr (kRange == Range::kSeven)
          add(cell, look_up_128(table.bytes, low));
        else if constexpr (kRange == Range::kEight)
          add(cell, _mm512_mask_blend_epi8(_mm512_movepi8_mask(low), look_up_128(table.bytes, low),
                                           look_up_128(table.bytes + 128, low)));
        else if constexpr (kRange == Range::kChunked)
          add(cell, look_up_chunks(table.bytes, bound, low, index.high[cell]));
        else
          add(cell, gather(table.bytes, low, index.high[cell], index.top[cell]));
      }
    }
  }
};

/// Inverse of interleave() and transpose_bits().
int column_bit(int cell, int lane, int plane) {
  const int byte = 16 * (lane / 4) + 4 * (cell / 2) + 2 * (lane / 2 % 2) + cell % 2;
  return 8 * byte + 4 * (lane % 2) + plane;
}

/// Channels [c, c + 64) of a pixel, zeros behind the last one.
SRAMSIM_INLINE __m512i load_codes(const Layer& layer, const uint8_t* q, int c) {
  const int left = layer.channels - c;
  return _mm512_maskz_loadu_epi8(left < 64 ? (uint64_t{1} << left) - 1 : ~uint64_t{0}, q + c);
}

int32_t sum_codes(const Layer& layer, const uint8_t* q) {
  __m512i sum = _mm512_setzero_si512();
  for (int c = 0; c < layer.channels; c += 64)
    sum = _mm512_add_epi64(sum, _mm512_sad_epu8(load_codes(layer, q, c), _mm512_setzero_si512()));
  return static_cast<int32_t>(_mm512_reduce_add_epi64(sum));
}

bool any_code(const Layer& layer, const uint8_t* q) {
  __m512i any = _mm512_setzero_si512();
  for (int c = 0; c < layer.channels; c += 64) any = _mm512_or_si512(any, load_codes(layer, q, c));
  return _mm512_test_epi8_mask(any, any) != 0;
}

void pack_pixel(const Layer& layer, const uint8_t* q, uint8_t* record) {
  if (!any_code(layer, q)) {
    std::memset(record, 0, static_cast<size_t>(layer.pixel_bytes));
    return;
  }
  PixelHeader header{};
  if (layer.offset) header.sum = sum_codes(layer, q);
  for (int bit = 0; bit < layer.act_bits; ++bit) {
    uint8_t* plane = record + sizeof header + bit * layer.plane_bytes;
    const __m512i select = _mm512_set1_epi8(static_cast<char>(1 << bit));
    uint64_t any = 0;
    for (int c = 0; c < layer.channels; c += 64) {
      const uint64_t bits = _mm512_test_epi8_mask(load_codes(layer, q, c), select);
      std::memcpy(plane + c / 8, &bits, sizeof bits);  // past the plane's end: the next plane, written later
      any |= bits;
    }
    header.any |= static_cast<uint32_t>(any != 0) << bit;
  }
  std::memcpy(record, &header, sizeof header);
}

constexpr Engine kEngine{Avx512::kLanes, true,       Avx512::kShifts,
                         column_bit,     pack_pixel, convolve_strip<Avx512>};

}  // namespace

const Engine* const kAvx512Engine = &kEngine;

}  // namespace sramsim::carry_save

#else

namespace sramsim::carry_save {
const Engine* const kAvx512Engine = nullptr;
}

#endif
