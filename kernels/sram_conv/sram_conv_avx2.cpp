// The carry-save kernel for AVX2: 256 columns, full adders of five logic steps, bit transposes by masked
// swaps, which cost so much that codes are added up as planes where they can be (ShiftForm). Elsewhere the
// converter is a clamp or a rounding multiplication where that equals the table (ByteTable::Form), else byte
// shuffles of 16 entries at a time.
#include "kernels/sram_conv/carry_save.h"

#if defined(__AVX2__) && defined(__BMI2__) && defined(__POPCNT__)

#include <immintrin.h>

#include <array>

#include "kernels/sram_conv/carry_save_kernel.h"

namespace sramsim::carry_save {
namespace {

/// kSetBits[b] lists the set bits of byte b, 4 per bit: the list entries of eight rows of 32 bytes.
struct alignas(16) ByteList {
  uint16_t entry[8];
};
constexpr std::array<ByteList, 256> make_set_bits() {
  std::array<ByteList, 256> lists{};
  for (int b = 0; b < 256; ++b)
    for (int k = 0, n = 0; k < 8; ++k)
      if (b >> k & 1) lists[b].entry[n++] = static_cast<uint16_t>(4 * k);
  return lists;
}
constexpr std::array<ByteList, 256> kSetBits = make_set_bits();

struct Avx2 {
  using Vector = __m256i;
  static constexpr int kLanes = 8;
  static constexpr bool kHasChunked = false;
  static constexpr bool kShifts = true;
  static constexpr bool kHasSix = false;

  SRAMSIM_INLINE static Vector load(const void* from) {
    return _mm256_load_si256(static_cast<const Vector*>(from));
  }
  SRAMSIM_INLINE static void store(void* to, Vector v) { _mm256_store_si256(static_cast<Vector*>(to), v); }
  SRAMSIM_INLINE static uint64_t entry(uint64_t word, int k) { return _bextr_u64(word, 16 * k, 16); }
  SRAMSIM_INLINE static Vector zero() { return _mm256_setzero_si256(); }
  SRAMSIM_INLINE static Vector add_shifted(Vector a, Vector b, int shift) {
    return _mm256_add_epi32(a, _mm256_sll_epi32(b, _mm_cvtsi32_si128(shift)));
  }
  SRAMSIM_INLINE static bool is_zero(Vector v) { return _mm256_testz_si256(v, v); }
  SRAMSIM_INLINE static Vector bytes(int value) { return _mm256_set1_epi8(static_cast<char>(value)); }
  SRAMSIM_INLINE static Vector subtract_bytes(Vector v, int value) {
    return _mm256_sub_epi8(v, bytes(value));
  }

  /// sum += b + c; returns the carry.
  SRAMSIM_INLINE static Vector full_add(Vector& sum, Vector b, Vector c) {
    const Vector differ = _mm256_xor_si256(b, c);
    const Vector carry = _mm256_or_si256(_mm256_and_si256(b, c), _mm256_and_si256(sum, differ));
    sum = _mm256_xor_si256(sum, differ);
    return carry;
  }
  SRAMSIM_INLINE static Vector half_add(Vector& sum, Vector b) {
    const Vector carry = _mm256_and_si256(sum, b);
    sum = _mm256_xor_si256(sum, b);
    return carry;
  }

  /// First list entry of a run; append() lists the set rows.
  SRAMSIM_INLINE static int entries(const Run& run) { return run.entry; }
  SRAMSIM_INLINE static void append(int first, uint32_t set, uint16_t* list) {
    for (; set; set >>= 8, first += 4 * 8) {
      const __m128i rows = _mm_load_si128(reinterpret_cast<const __m128i*>(&kSetBits[set & 255]));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(list),
                       _mm_add_epi16(rows, _mm_set1_epi16(static_cast<int16_t>(first))));
      list += std::popcount(set & 255);
    }
  }
  SRAMSIM_INLINE static void end_list(uint16_t* list) {
    _mm256_storeu_si256(reinterpret_cast<Vector*>(list), zero());
  }

  /// Index bytes: byte 4*lane + plane of v[cell] is the low part of that column's partial sum. For kNibble,
  /// v[k] holds two cells: k in the low and k+4 in the high nibbles.
  template <Range kRange>
  struct Index {
    Vector v[kRange == Range::kNibble ? 4 : 8];
    Vector high[kRange == Range::kWide ? 8 : 1];
    Vector top[kRange == Range::kWide ? 8 : 1];
  };

  /// Swaps the bits of a above `kShift` (in groups of 2*kShift) with those of b below: one transpose step.
  template <int kShift>
  SRAMSIM_INLINE static void swap_bits(Vector& a, Vector& b, int mask) {
    const Vector differ = _mm256_and_si256(_mm256_xor_si256(_mm256_srli_epi16(a, kShift), b), bytes(mask));
    b = _mm256_xor_si256(b, differ);
    a = _mm256_xor_si256(a, _mm256_slli_epi16(differ, kShift));
  }
  /// Bit k of byte b of v[r] = bit r of byte b of plane k, within the four low and the four high bits.
  SRAMSIM_INLINE static void transpose_nibbles(Vector (&v)[4]) {
    swap_bits<2>(v[0], v[2], 0x33);
    swap_bits<2>(v[1], v[3], 0x33);
    swap_bits<1>(v[0], v[1], 0x55);
    swap_bits<1>(v[2], v[3], 0x55);
  }
  SRAMSIM_INLINE static void transpose(Vector p0, Vector p1, Vector p2, Vector p3, Vector p4, Vector p5,
                                       Vector p6, Vector p7, Vector (&v)[8]) {
    swap_bits<4>(p0, p4, 0x0F);
    swap_bits<4>(p1, p5, 0x0F);
    swap_bits<4>(p2, p6, 0x0F);
    swap_bits<4>(p3, p7, 0x0F);
    Vector low[4] = {p0, p1, p2, p3}, high[4] = {p4, p5, p6, p7};
    transpose_nibbles(low);
    transpose_nibbles(high);
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) {
      v[k] = low[k];
      v[4 + k] = high[k];
    }
  }

  template <Range kRange>
  SRAMSIM_INLINE static Index<kRange> make_index(const Vector (&p)[kPlanes<kRange>]) {
    Index<kRange> index;
    if constexpr (kRange == Range::kNibble) {
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) index.v[k] = p[k];
      transpose_nibbles(index.v);
    } else if constexpr (kRange == Range::kSeven) {
      transpose(p[0], p[1], p[2], p[3], p[4], p[5], p[6], zero(), index.v);
    } else {
      transpose(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], index.v);
      if constexpr (kRange == Range::kWide) {
        transpose(p[8], p[9], p[10], p[11], p[12], p[13], p[14], p[15], index.high);
        transpose(p[16], p[17], p[18], p[19], p[20], p[21], p[22], p[23], index.top);
      }
    }
    return index;
  }

  SRAMSIM_INLINE static Vector table_16(const uint8_t* table) {
    return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table)));
  }
  /// Entries of P < 256, sixteen at a time; a shuffle gives 0 where its index byte is above 127.
  static Vector look_up(const uint8_t* table, uint32_t bound, Vector index) {
    Vector code = zero();
    for (uint32_t first = 0; first <= bound; first += 16) {
      const Vector from_first = _mm256_sub_epi8(index, bytes(static_cast<int>(first)));
      code = _mm256_or_si256(
          code, _mm256_shuffle_epi8(table_16(table + first), _mm256_adds_epu8(from_first, bytes(0x70))));
    }
    return code;
  }
  static Vector gather(const uint8_t* table, Vector low, Vector high, Vector top) {
    Vector code = zero();
    const Vector byte = _mm256_set1_epi32(255);
    for (int j = 0; j < 4; ++j) {
      const auto pick = [&](Vector v) { return _mm256_and_si256(_mm256_srli_epi32(v, 8 * j), byte); };
      const Vector p = _mm256_or_si256(
          pick(low), _mm256_or_si256(_mm256_slli_epi32(pick(high), 8), _mm256_slli_epi32(pick(top), 16)));
      const Vector value =
          _mm256_and_si256(_mm256_i32gather_epi32(reinterpret_cast<const int*>(table), p, 1), byte);
      code = _mm256_or_si256(code, _mm256_slli_epi32(value, 8 * j));
    }
    return code;
  }

  /// acc += the four codes of each lane times their plane weights. A pair of products stays below 2^15: codes
  /// are at most 255, the weights of a pair add up to at most 96.
  SRAMSIM_INLINE static void add_dot(Vector& acc, Vector code, uint32_t dots) {
    const Vector pairs = _mm256_maddubs_epi16(code, _mm256_set1_epi32(static_cast<int32_t>(dots)));
    acc = _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  /// The same for P itself: the rounding multiplication makes codes of 16 bits, even and odd planes apart.
  SRAMSIM_INLINE static void add_scaled(Vector& acc, Vector index, Vector scale, Vector top, uint32_t dots) {
    const Vector weights = _mm256_set1_epi32(static_cast<int32_t>(dots));
    const Vector even_weights = _mm256_srai_epi16(_mm256_slli_epi16(weights, 8), 8);
    const Vector odd_weights = _mm256_srai_epi16(weights, 8);
    const Vector even =
        _mm256_min_epi16(_mm256_mulhrs_epi16(_mm256_and_si256(index, _mm256_set1_epi16(255)), scale), top);
    const Vector odd = _mm256_min_epi16(_mm256_mulhrs_epi16(_mm256_srli_epi16(index, 8), scale), top);
    acc = _mm256_add_epi32(
        acc, _mm256_add_epi32(_mm256_madd_epi16(even, even_weights), _mm256_madd_epi16(odd, odd_weights)));
  }

  template <Range kRange>
  SRAMSIM_INLINE static void add_bytes(const Index<kRange>& index, const uint32_t* dots,
                                       Vector (&acc)[kCells]) {
    if constexpr (kRange == Range::kNibble) {
      const Vector low = bytes(15);
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        add_dot(acc[k], _mm256_and_si256(index.v[k], low), dots[k]);
        add_dot(acc[k + 4], _mm256_and_si256(_mm256_srli_epi16(index.v[k], 4), low), dots[k + 4]);
      }
    } else {
#pragma GCC unroll 8
      for (int cell = 0; cell < kCells; ++cell) add_dot(acc[cell], index.v[cell], dots[cell]);
    }
  }

  template <Range kRange>
  SRAMSIM_INLINE static void add_codes(const Index<kRange>& index, const ByteTable& table, uint32_t bound,
                                       const uint32_t* dots, Vector (&acc)[kCells]) {
    using Form = ByteTable::Form;
    if constexpr (kRange == Range::kNibble) {
      const Vector nibble = table_16(table.nibble), low = bytes(15);
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        const Vector high = _mm256_and_si256(_mm256_srli_epi16(index.v[k], 4), low);
        add_dot(acc[k], _mm256_shuffle_epi8(nibble, _mm256_and_si256(index.v[k], low)), dots[k]);
        add_dot(acc[k + 4], _mm256_shuffle_epi8(nibble, high), dots[k + 4]);
      }
    } else if constexpr (kRange == Range::kWide) {
      for (int cell = 0; cell < kCells; ++cell)
        add_dot(acc[cell], gather(table.bytes, index.v[cell], index.high[cell], index.top[cell]), dots[cell]);
    } else if (table.form == Form::kScale) {
      const Vector scale = _mm256_set1_epi16(table.scale), top = _mm256_set1_epi16(table.top);
#pragma GCC unroll 8
      for (int cell = 0; cell < kCells; ++cell) add_scaled(acc[cell], index.v[cell], scale, top, dots[cell]);
    } else if (table.form == Form::kClamp) {
#pragma GCC unroll 8
      for (int cell = 0; cell < kCells; ++cell)
        add_dot(acc[cell], _mm256_min_epu8(index.v[cell], bytes(table.top)), dots[cell]);
    } else {
      for (int cell = 0; cell < kCells; ++cell)
        add_dot(acc[cell], look_up(table.bytes, bound, index.v[cell]), dots[cell]);
    }
  }
};

/// Inverse of transpose(): bit r of a byte belongs to cell r.
int column_bit(int cell, int lane, int plane) {
  return 8 * (4 * lane + plane) + cell;
}

/// Channels [c, c + 32) of a pixel, zeros behind the last one.
SRAMSIM_INLINE __m256i load_codes(const Layer& layer, const uint8_t* q, int c) {
  if (c + 32 <= layer.channels) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(q + c));
  alignas(32) uint8_t tail[32] = {};
  std::memcpy(tail, q + c, layer.channels - c);
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(tail));
}

int32_t sum_codes(const Layer& layer, const uint8_t* q) {
  __m256i sum = _mm256_setzero_si256();
  for (int c = 0; c < layer.channels; c += 32)
    sum = _mm256_add_epi64(sum, _mm256_sad_epu8(load_codes(layer, q, c), _mm256_setzero_si256()));
  alignas(32) int64_t sums[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(sums), sum);
  return static_cast<int32_t>(sums[0] + sums[1] + sums[2] + sums[3]);
}

bool any_code(const Layer& layer, const uint8_t* q) {
  __m256i any = _mm256_setzero_si256();
  for (int c = 0; c < layer.channels; c += 32) any = _mm256_or_si256(any, load_codes(layer, q, c));
  return !_mm256_testz_si256(any, any);
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
    uint32_t any = 0;
    for (int c = 0; c < layer.channels; c += 32) {
      const __m256i codes = load_codes(layer, q, c);
      const auto bits = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_slli_epi16(codes, 7 - bit)));
      std::memcpy(plane + c / 8, &bits, sizeof bits);  // past the plane's end: the next plane, written later
      any |= bits;
    }
    header.any |= static_cast<uint32_t>(any != 0) << bit;
  }
  std::memcpy(record, &header, sizeof header);
}

constexpr Engine kEngine{Avx2::kLanes, false, Avx2::kShifts, column_bit, pack_pixel, convolve_strip<Avx2>};

}  // namespace

const Engine* const kAvx2Engine = &kEngine;

}  // namespace sramsim::carry_save

#else

namespace sramsim::carry_save {
const Engine* const kAvx2Engine = nullptr;
}

#endif
