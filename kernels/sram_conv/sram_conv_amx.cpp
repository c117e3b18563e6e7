// The matrix-unit kernel for AMX with AVX-512: products of bytes in tiles, VBMI spreads and permutes as
// converter, VNNI dot products as shift-add.
//
// What binds it (Sapphire Rapids): tiles come back through memory; a row of 64 bytes takes a slot of the
// shuffle port, and so do spreading two rows to bytes and looking them up. A tile that is stored right after
// its product overlaps with nothing: two couples are under way while a third is converted.
#include "kernels/sram_conv/matrix_unit.h"

// Compilers differ in the names.
#if (defined(__AMX_TILE__) || defined(__AMXTILE__)) && (defined(__AMX_INT8__) || defined(__AMXINT8__)) && \
    defined(__AVX512VBMI__) && defined(__AVX512VNNI__) && defined(__GFNI__)

// GCC 12 warns of the undefined operands inside its own intrinsics.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include <algorithm>

#include "kernels/sram_conv/matrix_cursor_impl.h"
#include "kernels/sram_conv/matrix_gather_impl.h"
#include "kernels/sram_conv/write_outputs_impl.h"

namespace sramsim::matrix_unit {
namespace {

using Vector = __m512i;

constexpr int kTileStride = 64;
// Intrinsics that load tiles do not tell GCC that they read memory: a store before one must be behind a
// barrier or in another function. Those that store tiles are barriers.

/// The two products of a couple on their way from tiles to vectors: [window][channel].
struct alignas(64) Couple {
  int32_t low[kElements], high[kElements];
};

// Tiles 0 and 1: activations, the lower and the higher two bits; 2 and 3: weights of two slices; 4 to 7: the
// products of two couples. Tile numbers are part of an instruction, hence a struct for each couple.
#define SRAMSIM_COUPLE_IN_TILES(number, LOW, HIGH)                                                \
  template <>                                                                                     \
  struct CoupleInTiles<number> {                                                                  \
    SRAMSIM_INLINE static void store_low(Couple& c) { _tile_stored(LOW, c.low, kTileStride); }    \
    SRAMSIM_INLINE static void store_high(Couple& c) { _tile_stored(HIGH, c.high, kTileStride); } \
    SRAMSIM_INLINE static void zero_low() { _tile_zero(LOW); }                                    \
    SRAMSIM_INLINE static void zero_high() { _tile_zero(HIGH); }                                  \
    SRAMSIM_INLINE static void multiply_low() { _tile_dpbuud(LOW, 0, 2); }                        \
    SRAMSIM_INLINE static void multiply_high() { _tile_dpbuud(HIGH, 1, 2); }                      \
    SRAMSIM_INLINE static void multiply_low_second() { _tile_dpbuud(LOW, 0, 3); }                 \
    SRAMSIM_INLINE static void multiply_high_second() { _tile_dpbuud(HIGH, 1, 3); }               \
  }
template <int kNumber>
struct CoupleInTiles;
SRAMSIM_COUPLE_IN_TILES(0, 4, 5);
SRAMSIM_COUPLE_IN_TILES(1, 6, 7);

/// Sums of one block, in registers.
struct Sums {
  Vector v[kWindows];
  SRAMSIM_INLINE void load(const int32_t* from) {
#pragma GCC unroll 16
    for (int w = 0; w < kWindows; ++w) v[w] = _mm512_load_si512(from + w * kChannels);
  }
  SRAMSIM_INLINE void store(int32_t* to) const {
#pragma GCC unroll 16
    for (int w = 0; w < kWindows; ++w) _mm512_store_si512(to + w * kChannels, v[w]);
  }
};

/// Products to bytes.
class Spread {
 public:
  /// The four partial sums of every channel, in window w, in the low seven bits of its bytes.
  SRAMSIM_INLINE Vector partial_sums(const Couple& couple, int w) const {
    const int32_t *low = couple.low + w * kChannels, *high = couple.high + w * kChannels;
    return kByShifts >> w & 1 ? by_shifts(low, high) : by_multishift(low, high);
  }

 private:
  SRAMSIM_INLINE Vector by_multishift(const int32_t* low, const int32_t* high) const {
    const Vector packed = _mm512_dpwssd_epi32(_mm512_load_si512(low), past_low_, _mm512_load_si512(high));
    return _mm512_multishift_epi64_epi8(fields_, packed);
  }
  /// The same in one instruction more, but none for the shuffle port.
  SRAMSIM_INLINE Vector by_shifts(const int32_t* low, const int32_t* high) const {
    const Vector words =
        _mm512_or_si512(_mm512_load_si512(low), _mm512_slli_epi32(_mm512_load_si512(high), 16));
    return _mm512_ternarylogic_epi32(odd_bytes_, _mm512_slli_epi32(words, 8 - kFieldBits), words, 0xCA);
  }

  static constexpr unsigned kByShifts = 0x1515;               ///< windows: this balances ports
  Vector fields_ = _mm512_set1_epi64(0x352E'2720'150E'0700);  ///< bit offset of each partial sum
  Vector past_low_ = _mm512_set1_epi32(1 << 2 * kFieldBits);  ///< moves the higher product
  Vector odd_bytes_ = _mm512_set1_epi16(static_cast<int16_t>(0xFF00));
};

/// A converter's table, of 64 or 128 codes.
template <bool kLong>
class Table {
 public:
  SRAMSIM_INLINE explicit Table(const Converter& converter)
      : codes_(_mm512_load_si512(converter.codes)), end_(_mm512_load_si512(converter.codes + 64)) {}
  SRAMSIM_INLINE Vector look_up(Vector p) const {
    if constexpr (kLong)
      return _mm512_permutex2var_epi8(codes_, p, end_);
    else
      return _mm512_permutexvar_epi8(p, codes_);
  }

 private:
  Vector codes_, end_;
};

/// Loads the operands of the cursor's couple, as far as they are not there yet.
template <bool kTwoSlices>
SRAMSIM_INLINE void load_operands(const Layer& layer, const Cursor& cursor) {
  _tile_loadd(2, cursor.weights(), kTileStride);
  if constexpr (kTwoSlices) _tile_loadd(3, cursor.weights() + kTileBytes, kTileStride);
  if (kTwoSlices || cursor.at_first_plane()) {
    _tile_loadd(0, cursor.activations(), layer.depth);
    _tile_loadd(1, cursor.activations() + layer.pair_bytes, layer.depth);
  }
}
template <bool kTwoSlices, class Tiles>
SRAMSIM_INLINE void multiply_low(const Layer& layer, const Cursor& cursor) {
  Tiles::zero_low();
  Tiles::multiply_low();
  if constexpr (kTwoSlices) {
    _tile_loadd(0, cursor.activations() + layer.slice_bytes, layer.depth);
    Tiles::multiply_low_second();
  }
}
template <bool kTwoSlices, class Tiles>
SRAMSIM_INLINE void multiply_high(const Layer& layer, const Cursor& cursor) {
  Tiles::zero_high();
  Tiles::multiply_high();
  if constexpr (kTwoSlices) {
    _tile_loadd(1, cursor.activations() + layer.pair_bytes + layer.slice_bytes, layer.depth);
    Tiles::multiply_high_second();
  }
}

/// Begins the cursor's couple.
template <bool kTwoSlices, class Tiles>
SRAMSIM_INLINE void begin(const Layer& layer, Cursor& cursor) {
  load_operands<kTwoSlices>(layer, cursor);
  multiply_low<kTwoSlices, Tiles>(layer, cursor);
  multiply_high<kTwoSlices, Tiles>(layer, cursor);
  cursor.advance();
}

/// Hands the couple in `ready` on, stores the one after it, and begins the cursor's, the third after it, in
/// its tiles.
template <bool kTwoSlices, class Tiles, class Consumer>
SRAMSIM_INLINE void step(const Layer& layer, Cursor& cursor, Couple& next, const Couple& ready, int number,
                         Consumer& consumer) {
  load_operands<kTwoSlices>(layer, cursor);
  Tiles::store_low(next);
  multiply_low<kTwoSlices, Tiles>(layer, cursor);
  consumer.template take<0, 8>(ready, number);
  Tiles::store_high(next);
  consumer.template take<8, 12>(ready, number);
  multiply_high<kTwoSlices, Tiles>(layer, cursor);
  consumer.template take<12, kWindows>(ready, number);
  cursor.advance();
}

/// Accumulators of one block, among those of all converters.
SRAMSIM_INLINE int64_t place(const Layer& layer, int converter, int block) {
  return (int64_t{converter} * layer.strip_blocks + block) * kElements;
}

/// The outputs of `count` channels of one block; a constant count is worth a good part of the function's
/// time.
SRAMSIM_INLINE void write_block(const Work& work, int converter, int block, const int32_t* sums, int count) {
  const Strip& strip = work.strip;
  const Layer& layer = work.layer;
  const int first = work.channel_block * kChannels;
  const int64_t begin = strip.first_pixel + int64_t{block} * kWindows;
  const int64_t end = std::min(begin + kWindows, strip.end_pixel);
  for (int64_t pixel = begin; pixel < end; ++pixel, sums += kChannels)
    write_outputs(strip.outputs[converter],
                  ChannelSums{sums, layer.converters[converter].step, layer.offset,
                              layer.offset ? strip.window_sums[pixel - strip.first_pixel] : 0},
                  {pixel * layer.o + first, first, count});
}

/// What comes after the accumulators of a pass are complete for a block.
[[gnu::noinline]] void finish_block(const Work& work, int pass, int converter, int block) {
  const Layer& layer = work.layer;
  const int32_t* sums = work.strip.acc + place(layer, converter, block);
  if (layer.pass_count > 1) {  // a single one has no shift
    int32_t* const to = work.strip.sums + place(layer, converter, block);
    const int shift = layer.passes[pass].shift;
    for (int e = 0; e < kElements; ++e)
      to[e] = (pass == 0 ? 0 : to[e]) + static_cast<int32_t>(static_cast<uint32_t>(sums[e]) << shift);
    sums = to;
  }
  if (pass + 1 < layer.pass_count) return;
  const int left = layer.o - work.channel_block * kChannels;
  if (left >= kChannels)
    write_block(work, converter, block, sums, kChannels);
  else
    write_block(work, converter, block, sums, left);
}

/// Dots of a chunk's couples; that of a couple's second coming is 0.
struct Dots {
  uint32_t words[kMaxCouples] = {};
  SRAMSIM_INLINE Dots(const Chunk& chunk, const Pass& pass) {
    for (int k = 0; k < chunk.couples; ++k) words[k] = pass.dots[k % pass.planes];
  }
  SRAMSIM_INLINE Vector operator[](int couple) const {
    return _mm512_set1_epi32(static_cast<int32_t>(words[couple]));
  }
};

/// Looks the partial sums of couples up and adds the codes to the accumulators of a block. The first
/// converter does so at once; the others when the block is left, from partial sums that are kept.
template <bool kLongTables, bool kMany>
class CodeSums {
 public:
  SRAMSIM_INLINE explicit CodeSums(const Work& work)
      : layer_(work.layer), table_(layer_.converters[0]), acc_(work.strip.acc) {}

  SRAMSIM_INLINE void enter_block(const Chunk& chunk, const Dots& dots, int block) {
    chunk_ = &chunk, dots_ = &dots, block_ = block;
    load(sums_, 0);
  }
  /// Windows [first, end) of a couple.
  template <int kFirst, int kEnd>
  SRAMSIM_INLINE void take(const Couple& couple, int number) {
    const Vector dots = (*dots_)[number];
#pragma GCC unroll 16
    for (int w = kFirst; w < kEnd; ++w) {
      const Vector p = spread_.partial_sums(couple, w);
      sums_.v[w] = _mm512_dpbusd_epi32(sums_.v[w], table_.look_up(p), dots);
      if constexpr (kMany) partial_sums_[number][w] = p;
    }
  }
  SRAMSIM_INLINE void leave_block() {
    sums_.store(acc(0));
    for (int c = 1; kMany && c < layer_.converter_count; ++c) {
      const Table<kLongTables> table(layer_.converters[c]);
      Sums sums;
      load(sums, c);
      for (int k = 0; k < chunk_->couples; ++k) {
        const Vector dots = (*dots_)[k];
#pragma GCC unroll 16
        for (int w = 0; w < kWindows; ++w)
          sums.v[w] = _mm512_dpbusd_epi32(sums.v[w], table.look_up(partial_sums_[k][w]), dots);
      }
      sums.store(acc(c));
    }
  }

 private:
  SRAMSIM_INLINE int32_t* acc(int converter) const {
    return acc_ + place(layer_, converter, block_);
  }
  SRAMSIM_INLINE void load(Sums& sums, int converter) const {
    if (chunk_->begin > 0)
      sums.load(acc(converter));
    else
      sums = {};
  }

  const Layer& layer_;
  Spread spread_;
  Table<kLongTables> table_;
  Sums sums_{};
  int32_t* acc_;
  const Chunk* chunk_ = nullptr;
  const Dots* dots_ = nullptr;
  int block_ = 0;
  Vector partial_sums_[kMany ? kMaxCouples : 1][kWindows];
};

/// Adds the codes of a pass up for all blocks.
template <bool kTwoSlices, class Consumer>
[[gnu::noinline]] void add_pass(const Work& work, int number) {
  using Tiles0 = CoupleInTiles<0>;
  using Tiles1 = CoupleInTiles<1>;
  const Layer& layer = work.layer;
  const Pass& pass = layer.passes[number];
  const Chunks chunks(work, pass);
  Consumer consumer(work);
  Cursor cursor(work, pass, chunks);
  Couple stored[2];
  begin<kTwoSlices, Tiles0>(layer, cursor);
  begin<kTwoSlices, Tiles1>(layer, cursor);
  Tiles0::store_low(stored[0]);
  Tiles0::store_high(stored[0]);
  begin<kTwoSlices, Tiles0>(layer, cursor);
  for (Chunk chunk = chunks.first();; chunk = chunks.after(chunk)) {
    const Dots dots(chunk, pass);
    for (int b = 0; b < work.blocks.count; ++b) {
      consumer.enter_block(chunk, dots, b);
      for (int k = 0; k < chunk.couples; k += 2) {
        step<kTwoSlices, Tiles1>(layer, cursor, stored[1], stored[0], k, consumer);
        step<kTwoSlices, Tiles0>(layer, cursor, stored[0], stored[1], k + 1, consumer);
      }
      consumer.leave_block();
      for (int c = 0; chunks.is_last(chunk) && c < layer.converter_count; ++c)
        finish_block(work, number, c, b);
    }
    if (chunks.is_last(chunk)) break;
  }
}

template <bool kTwoSlices, bool kLongTables>
void convolve(const Work& work) {
  for (int pass = 0; pass < work.layer.pass_count; ++pass)
    work.layer.converter_count == 1 ? add_pass<kTwoSlices, CodeSums<kLongTables, false>>(work, pass)
                                    : add_pass<kTwoSlices, CodeSums<kLongTables, true>>(work, pass);
}

void convolve(const Work& work) {
  if (work.layer.slices == 2)
    work.layer.long_tables ? convolve<true, true>(work) : convolve<true, false>(work);
  else
    work.layer.long_tables ? convolve<false, true>(work) : convolve<false, false>(work);
}

void convolve_strip(const Layer& layer, const Strip& strip) {
  const Blocks blocks = gather(layer, strip);
  _tile_loadconfig(&layer.tiles);
  for (int channels = strip.first_channel_block; channels < strip.end_channel_block; ++channels)
    convolve({layer, strip, blocks, channels});
  _tile_release();
}

}  // namespace

const ConvolveStrip kAmxConvolveStrip = convolve_strip;

}  // namespace sramsim::matrix_unit

#else

namespace sramsim::matrix_unit {
const ConvolveStrip kAmxConvolveStrip = nullptr;
}

#endif
