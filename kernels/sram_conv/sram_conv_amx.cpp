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
#include <cstring>

#include "kernels/sram_conv/write_outputs_impl.h"

namespace sramsim::matrix_unit {
namespace {

using Vector = __m512i;

constexpr int kTileStride = 64;
/// Weights of the row groups that are worked on together: a part of a first-level cache.
constexpr int kChunkBytes = 16 << 10;
constexpr int kMaxCouples = 64;  ///< of a block in one chunk
// Intrinsics that load tiles do not tell GCC that they read memory: a store before one must be behind a
// barrier or in another function. Those that store tiles are barriers.
alignas(64) constexpr uint8_t kZeroRow[kTileStride] = {};

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
    SRAMSIM_INLINE static void zero_low() { _tile_loadd(LOW, kZeroRow, 0); }                      \
    SRAMSIM_INLINE static void zero_high() { _tile_loadd(HIGH, kZeroRow, 0); }                    \
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

/// The ADC and the shift-add.
template <bool kLongTable>
struct Converter {
  Vector table, table_end;
  Vector fields;    ///< bit offset of each partial sum
  Vector past_low;  ///< moves the higher product past the lower one
  Vector odd_bytes;

  SRAMSIM_INLINE explicit Converter(const Layer& layer)
      : table(_mm512_load_si512(layer.table)),
        table_end(_mm512_load_si512(layer.table + 64)),
        fields(_mm512_set1_epi64(0x352E'2720'150E'0700)),
        past_low(_mm512_set1_epi32(1 << 2 * kFieldBits)),
        odd_bytes(_mm512_set1_epi16(static_cast<int16_t>(0xFF00))) {}

  /// A partial sum in the low seven bits of every byte.
  SRAMSIM_INLINE Vector spread(const int32_t* low, const int32_t* high) const {
    const Vector packed = _mm512_dpwssd_epi32(_mm512_load_si512(low), past_low, _mm512_load_si512(high));
    return _mm512_multishift_epi64_epi8(fields, packed);
  }
  /// The same in one instruction more, but none for the shuffle port.
  SRAMSIM_INLINE Vector spread_by_shifts(const int32_t* low, const int32_t* high) const {
    const Vector words =
        _mm512_or_si512(_mm512_load_si512(low), _mm512_slli_epi32(_mm512_load_si512(high), 16));
    return _mm512_ternarylogic_epi32(odd_bytes, _mm512_slli_epi32(words, 8 - kFieldBits), words, 0xCA);
  }
  SRAMSIM_INLINE Vector look_up(Vector p) const {
    if constexpr (kLongTable)
      return _mm512_permutex2var_epi8(table, p, table_end);
    else
      return _mm512_permutexvar_epi8(p, table);
  }
  /// Adds the codes of windows [first, first + 8); every fourth is spread the other way, which balances
  /// ports.
  template <int kFirst>
  SRAMSIM_INLINE void add(const Couple& couple, Vector dots, Sums& sums) const {
#pragma GCC unroll 8
    for (int w = kFirst; w < kFirst + kWindows / 2; ++w) {
      const int32_t *low = couple.low + w * kChannels, *high = couple.high + w * kChannels;
      const Vector p = w % 4 == 0 ? spread_by_shifts(low, high) : spread(low, high);
      sums.v[w] = _mm512_dpbusd_epi32(sums.v[w], look_up(p), dots);
    }
  }
};

/// The blocks of a strip and the output channels they meet.
struct Work {
  const Layer& layer;
  const Strip& strip;
  int blocks;
  int channel_block;
};

/// Some row groups of one pass, and the couples that each block has in them: row groups outside, planes
/// inside.
struct Chunk {
  const Pass& pass;
  int begin, end;  ///< row groups
  const uint8_t* weights;
  int couples;                 ///< even: an odd one out is worked on twice and ...
  uint32_t dots[kMaxCouples];  ///< ... counts 0 the second time
};

/// Which couple is begun next. Stays in the last block.
class Cursor {
 public:
  SRAMSIM_INLINE Cursor(const Work& work, const Chunk& chunk)
      : planes_(chunk.pass.planes),
        real_couples_((chunk.end - chunk.begin) * chunk.pass.planes),
        couples_(chunk.couples),
        blocks_left_(work.blocks),
        weight_step_(work.layer.slices * kTileBytes),
        group_step_(2 * work.layer.slices * work.layer.slice_bytes),
        block_step_(work.layer.block_bytes),
        first_weights_(chunk.weights),
        block_(work.strip.activations + chunk.pass.half * work.layer.half_bytes +
               int64_t{chunk.begin} * group_step_) {
    enter_block();
  }

  SRAMSIM_INLINE bool at_first_plane() const { return plane_ == 0; }
  SRAMSIM_INLINE const uint8_t* activations() const { return activations_; }
  SRAMSIM_INLINE const uint8_t* weights() const { return weights_; }
  SRAMSIM_INLINE void advance() {
    if (++couple_ == couples_) {
      if (--blocks_left_ > 0) block_ += block_step_;
      return enter_block();
    }
    if (couple_ == real_couples_) return;
    weights_ += weight_step_;
    if (++plane_ == planes_) plane_ = 0, activations_ += group_step_;
  }

 private:
  SRAMSIM_INLINE void enter_block() {
    activations_ = block_;
    weights_ = first_weights_;
    couple_ = plane_ = 0;
  }

  int planes_, real_couples_, couples_, blocks_left_;
  int64_t weight_step_, group_step_, block_step_;
  const uint8_t *first_weights_, *block_;
  const uint8_t *activations_ = nullptr, *weights_ = nullptr;
  int couple_ = 0, plane_ = 0;
};

/// Loads the operands of the cursor's couple, as far as they are not there yet.
template <bool kTwoSlices>
SRAMSIM_INLINE void load_operands(const Layer& layer, const Cursor& cursor) {
  _tile_loadd(2, cursor.weights(), kTileStride);
  if constexpr (kTwoSlices) _tile_loadd(3, cursor.weights() + kTileBytes, kTileStride);
  if (kTwoSlices || cursor.at_first_plane()) {
    _tile_loadd(0, cursor.activations(), layer.depth);
    _tile_loadd(1, cursor.activations() + layer.slices * layer.slice_bytes, layer.depth);
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
    _tile_loadd(1, cursor.activations() + 3 * layer.slice_bytes, layer.depth);
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

/// Converts the couple in `ready`, stores the one after it, and begins the cursor's, the third after it, in
/// its tiles.
template <bool kTwoSlices, class Tiles, class Converter>
SRAMSIM_INLINE void step(const Layer& layer, Cursor& cursor, const Converter converter, Couple& next,
                         const Couple& ready, uint32_t weights, Sums& sums) {
  const Vector dots = _mm512_set1_epi32(static_cast<int32_t>(weights));
  load_operands<kTwoSlices>(layer, cursor);
  Tiles::store_low(next);
  multiply_low<kTwoSlices, Tiles>(layer, cursor);
  converter.template add<0>(ready, dots, sums);
  Tiles::store_high(next);
  multiply_high<kTwoSlices, Tiles>(layer, cursor);
  converter.template add<kWindows / 2>(ready, dots, sums);
  cursor.advance();
}

/// Adds the codes of a chunk to the accumulators of all blocks.
template <bool kLongTable, bool kTwoSlices>
[[gnu::noinline]] void add_chunk(const Work& work, const Chunk& chunk) {
  using Tiles0 = CoupleInTiles<0>;
  using Tiles1 = CoupleInTiles<1>;
  const Layer& layer = work.layer;
  const Converter<kLongTable> converter(layer);
  Cursor cursor(work, chunk);
  Couple stored[2];
  begin<kTwoSlices, Tiles0>(layer, cursor);
  begin<kTwoSlices, Tiles1>(layer, cursor);
  Tiles0::store_low(stored[0]);
  Tiles0::store_high(stored[0]);
  begin<kTwoSlices, Tiles0>(layer, cursor);
  for (int b = 0; b < work.blocks; ++b) {
    int32_t* acc = work.strip.acc + int64_t{b} * kElements;
    Sums sums;
    sums.load(acc);
    for (int k = 0; k < chunk.couples; k += 2) {
      step<kTwoSlices, Tiles1>(layer, cursor, converter, stored[1], stored[0], chunk.dots[k], sums);
      step<kTwoSlices, Tiles0>(layer, cursor, converter, stored[0], stored[1], chunk.dots[k + 1], sums);
    }
    sums.store(acc);
  }
}

void add_pass(const Work& work, const Pass& pass) {
  const Layer& layer = work.layer;
  const int group_bytes = pass.planes * layer.slices * kTileBytes;
  const int together = std::clamp(kChunkBytes / group_bytes, 1, kMaxCouples / pass.planes);
  for (int begin = 0; begin < layer.groups; begin += together) {
    const int end = std::min(begin + together, layer.groups), couples = (end - begin) * pass.planes;
    Chunk chunk{pass,
                begin,
                end,
                pass.weights + (int64_t{work.channel_block} * layer.groups + begin) * group_bytes,
                couples + couples % 2,
                {}};
    for (int k = 0; k < couples; ++k) chunk.dots[k] = pass.dots[k % pass.planes];
    if (layer.slices == 2)
      layer.long_table ? add_chunk<true, true>(work, chunk) : add_chunk<false, true>(work, chunk);
    else
      layer.long_table ? add_chunk<true, false>(work, chunk) : add_chunk<false, false>(work, chunk);
  }
}

/// The outputs of `count` channels; a constant count is worth a good part of the function's time.
SRAMSIM_INLINE void write_strip(const Work& work, const int32_t* sums, int count) {
  const Strip& strip = work.strip;
  const Layer& layer = work.layer;
  const int first = work.channel_block * kChannels;
  for (int64_t pixel = strip.first_pixel; pixel < strip.end_pixel; ++pixel, sums += kChannels)
    write_outputs(*strip.output, layer.step, layer.offset, sums,
                  layer.offset ? strip.window_sums[pixel - strip.first_pixel] : 0,
                  {pixel * layer.o + first, first, count});
}

void convolve(const Work& work) {
  const Strip& strip = work.strip;
  const Layer& layer = work.layer;
  const size_t elements = static_cast<size_t>(work.blocks) * kElements;
  for (int k = 0; k < layer.pass_count; ++k) {
    const Pass& pass = layer.passes[k];
    std::memset(strip.acc, 0, elements * sizeof *strip.acc);
    add_pass(work, pass);
    if (layer.pass_count == 1) break;  // its shift is 0
    if (k == 0) std::memset(strip.sums, 0, elements * sizeof *strip.sums);
    for (size_t e = 0; e < elements; ++e)
      strip.sums[e] += static_cast<int32_t>(static_cast<uint32_t>(strip.acc[e]) << pass.shift);
  }
  const int32_t* sums = layer.pass_count == 1 ? strip.acc : strip.sums;
  const int left = layer.o - work.channel_block * kChannels;
  if (left >= kChannels)
    write_strip(work, sums, kChannels);
  else
    write_strip(work, sums, left);
}

/// Bits 2k and 2k+1 of every byte -> bits 0 and 7.
SRAMSIM_INLINE Vector pair_of(Vector codes, int pair) {
  static constexpr uint64_t kSelect[] = {0x0100'0000'0000'0002, 0x0400'0000'0000'0008, 0x1000'0000'0000'0020,
                                         0x4000'0000'0000'0080};
  return _mm512_gf2p8affine_epi64_epi8(codes, _mm512_set1_epi64(static_cast<int64_t>(kSelect[pair])), 0);
}

/// The windows of one block, those past the strip's end as its last.
class Windows {
 public:
  Windows(const Layer& layer, const Strip& strip, int64_t first) : layer_(layer) {
    const int64_t inputs = int64_t{layer.h} * layer.w * layer.c;
    const int out_w = layer.out_w, out_h = layer.out_h;
    int x = static_cast<int>(first % out_w), y = static_cast<int>(first / out_w % out_h);
    const uint8_t* image = strip.q + first / (int64_t{out_w} * out_h) * inputs;
    for (int w = 0; w < kWindows; ++w) {
      x_[w] = x * layer_.stride - layer_.padding;
      y_[w] = y * layer_.stride - layer_.padding;
      image_[w] = image;
      if (first + w + 1 >= strip.end_pixel) continue;
      if (++x < out_w) continue;
      x = 0;
      if (++y < out_h) continue;
      y = 0;
      image += inputs;
    }
  }
  /// Codes of the window's pixel at a kernel position; null in the padding.
  const uint8_t* codes(int w, int down, int right) const {
    const int y = y_[w] + down, x = x_[w] + right;
    if (y < 0 || y >= layer_.h || x < 0 || x >= layer_.w) return nullptr;
    return image_[w] + (int64_t{y} * layer_.w + x) * layer_.c;
  }

 private:
  const Layer& layer_;
  int x_[kWindows], y_[kWindows];
  const uint8_t* image_[kWindows];
};

/// Activation tiles of one block, and the sums of its windows' codes where the encoding wants them.
template <int kHalves, bool kSums>
void gather_block(const Layer& layer, const Windows& windows, uint8_t* tiles, int32_t* window_sums) {
  const int64_t pair_bytes = int64_t{layer.slices} * layer.slice_bytes, half_bytes = layer.half_bytes;
  const int depth = layer.depth;
  Vector sums[kWindows] = {};
  const uint8_t* codes[kWindows] = {};
  for (int k = 0; k < layer.run_count; ++k) {
    const Run& run = layer.runs[k];
    if (run.new_position)
      for (int w = 0; w < kWindows; ++w) codes[w] = windows.codes(w, run.down, run.right);
    const __mmask64 rows = ~uint64_t{0} >> (64 - run.rows);
    uint8_t* to = tiles + run.place;
    for (int w = 0; w < kWindows; ++w, to += depth) {
      const Vector q =
          codes[w] ? _mm512_maskz_loadu_epi8(rows, codes[w] + run.channel) : _mm512_setzero_si512();
      if constexpr (kSums) sums[w] = _mm512_add_epi64(sums[w], _mm512_sad_epu8(q, _mm512_setzero_si512()));
#pragma GCC unroll 2
      for (int half = 0; half < kHalves; ++half) {
        _mm512_mask_storeu_epi8(to + half * half_bytes, rows, pair_of(q, 2 * half));
        _mm512_mask_storeu_epi8(to + half * half_bytes + pair_bytes, rows, pair_of(q, 2 * half + 1));
      }
    }
  }
  if constexpr (kSums)
    for (int w = 0; w < kWindows; ++w)
      window_sums[w] = static_cast<int32_t>(_mm512_reduce_add_epi64(sums[w]));
}

void gather(const Layer& layer, const Strip& strip, int blocks) {
  const auto all = [&](auto block) {
    for (int b = 0; b < blocks; ++b)
      block(layer, Windows(layer, strip, strip.first_pixel + int64_t{b} * kWindows),
            strip.activations + b * layer.block_bytes, strip.window_sums + int64_t{b} * kWindows);
  };
  if (layer.halves == 1)
    layer.offset ? all(gather_block<1, true>) : all(gather_block<1, false>);
  else
    layer.offset ? all(gather_block<2, true>) : all(gather_block<2, false>);
}

void convolve_strip(const Layer& layer, const Strip& strip) {
  const auto blocks = static_cast<int>((strip.end_pixel - strip.first_pixel + kWindows - 1) / kWindows);
  gather(layer, strip, blocks);
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
