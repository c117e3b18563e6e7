// What a warpgroup finds out about a tile before it multiplies: its bits, where any is set, the row groups
// that these can meet, and for the float8 kernel the bits as bytes.
#pragma once

#include "kernels/sram_conv/sram_place.cuh"

namespace sramsim::cuda {

inline constexpr uint32_t kListEntry = 8;  ///< bytes: the low words of two descriptors

/// This thread's place in its warpgroup, and where that keeps what.
struct WarpgroupPlace {
  const SramConvArgs& args;
  int thread;
  ptx::SharedAddress first;

  SRAMSIM_DEVICE explicit WarpgroupPlace(const SramConvArgs& all)
      : args(all),
        thread(ptx::thread_index() % ptx::kWarpgroup),
        first(ptx::uniform(ptx::shared_base() + all.offsets.first +
                           static_cast<uint32_t>(ptx::thread_index() / ptx::kWarpgroup) * all.offsets.size)) {
  }
  SRAMSIM_DEVICE int warp() const { return thread / ptx::kWarp; }
  /// Input pixels under a tile.
  SRAMSIM_DEVICE int pixels() const { return args.halo_height * args.halo_width; }
  /// Plane k of a pixel: digit * digit_units + unit.
  SRAMSIM_DEVICE ptx::SharedAddress bits(int k, int pixel) const {
    return first + static_cast<uint32_t>(k * pixels() + pixel) * sizeof(Unit);
  }
  SRAMSIM_DEVICE ptx::SharedAddress spread() const { return first + args.offsets.spread; }
  /// Collected bits of a digit: [unit][output pixel].
  SRAMSIM_DEVICE ptx::SharedAddress collected(int digit) const {
    return spread() + static_cast<uint32_t>(digit * args.collected_units * kTilePixels) * sizeof(Unit);
  }
  /// A warp's notes of plane k's four times 32 channels.
  SRAMSIM_DEVICE ptx::SharedAddress lit(int k, int warp) const {
    return first + args.offsets.lit + static_cast<uint32_t>(4 * k + warp) * sizeof(Unit);
  }
  /// Of all conversions of the tile; what lies in front of the lowest digit's count.
  SRAMSIM_DEVICE ptx::SharedAddress bias() const { return first + args.offsets.counts; }
  SRAMSIM_DEVICE ptx::SharedAddress count(int digit) const {
    return bias() + static_cast<uint32_t>(digit + 1) * 4;
  }
  SRAMSIM_DEVICE ptx::SharedAddress list() const { return first + args.offsets.list; }
  SRAMSIM_DEVICE Unit product(int group, int k) const {
    return ptx::shared_load_unit(ptx::shared_base() + args.offsets.products +
                                 static_cast<uint32_t>(group * args.group_products + k) * sizeof(Product));
  }
};

/// Row of a pixel under a tile: pixel / halo_width.
SRAMSIM_DEVICE int halo_row(const SramConvArgs& args, int pixel) {
  return static_cast<int>(ptx::multiply_high(static_cast<uint32_t>(pixel), args.halo_reciprocal));
}

/// Starts copying the bits under a tile; what lies outside the images becomes zero. A thread copies all
/// planes of its pixels.
SRAMSIM_DEVICE void copy_bits_async(const SramConvArgs& args, const WarpgroupPlace& me,
                                    const TilePlace& place) {
  const Geometry& g = args.geometry;
  for (int pixel = me.thread; pixel < me.pixels(); pixel += ptx::kWarpgroup) {
    const int row = halo_row(args, pixel);
    const int y = place.oy * g.stride + row, x = place.ox * g.stride + pixel - row * args.halo_width;
    const bool valid = place.n < g.n && y < g.height && x < g.width;
    const int64_t from =
        valid ? ((int64_t{place.n} * g.height + y) * g.width + x) * g.pixel_units : int64_t{0};
    for (int k = 0; k < g.pixel_units; ++k)
      ptx::copy_async_unit(me.bits(k, pixel), args.planes + (valid ? from + k : 0), valid);
  }
}

/// Kernel positions ky*kw + kx at which some output pixel of the tile meets this input pixel, as bits; those
/// of collected rows are not told apart.
SRAMSIM_DEVICE uint32_t meeting_positions(const SramConvArgs& args, int pixel) {
  if (args.piece_count > 0) return 1;
  const Geometry& g = args.geometry;
  const int y = halo_row(args, pixel), x = pixel - y * args.halo_width;
  const int first = x < kTileSide ? 0 : x - (kTileSide - 1), end = x + 1 < g.kw ? x + 1 : g.kw;
  const uint32_t row = ((1u << (end - first)) - 1u) << first;
  uint32_t positions = 0;
  for (int ky = y < kTileSide ? 0 : y - (kTileSide - 1); ky < g.kh && ky <= y; ++ky)
    positions |= row << (ky * g.kw);
  return positions;
}

/// Notes where in the tile any bit is set, as the positions at which the pixel meets outputs.
/// `first_positions`: those of the thread's first pixel, the same in all tiles. Several planes at a time,
/// whose latencies overlap.
SRAMSIM_DEVICE void note_lit(const SramConvArgs& args, const WarpgroupPlace& me, uint32_t first_positions) {
  constexpr int kPlanes = 4;
  const int last = args.geometry.pixel_units - 1;
  for (int first = 0; first <= last; first += kPlanes) {
    const auto plane = [&](int k) { return first + k < last ? first + k : last; };
    Unit lit[kPlanes] = {};
    for (int pixel = me.thread; pixel < me.pixels(); pixel += ptx::kWarpgroup) {
      const uint32_t positions = pixel < ptx::kWarpgroup ? first_positions : meeting_positions(args, pixel);
      Unit bits[kPlanes];
      SRAMSIM_UNROLL
      for (int k = 0; k < kPlanes; ++k) bits[k] = ptx::shared_load_unit(me.bits(plane(k), pixel));
      SRAMSIM_UNROLL
      for (int k = 0; k < kPlanes; ++k) SRAMSIM_UNROLL
      for (int w = 0; w < 4; ++w) lit[k].word[w] |= bits[k].word[w] != 0 ? positions : 0u;
    }
    SRAMSIM_UNROLL
    for (int k = 0; k < kPlanes; ++k) {
      SRAMSIM_UNROLL
      for (uint32_t& word : lit[k].word) word = ptx::warp_or(word);
      if (ptx::lane_index() == 0) ptx::shared_store_unit(me.lit(plane(k), me.warp()), lit[k]);
    }
  }
}

/// What the warps have noted of 32 channels of a digit.
SRAMSIM_DEVICE uint32_t lit_positions(const SramConvArgs& args, const WarpgroupPlace& me, int digit,
                                      int block) {
  const ptx::SharedAddress notes =
      me.lit(digit * args.digit_units + block / 4, 0) + static_cast<uint32_t>(block % 4) * 4;
  uint32_t lit = 0;
  SRAMSIM_UNROLL
  for (uint32_t warp = 0; warp < 4; ++warp) lit |= ptx::shared_load(notes + warp * sizeof(Unit));
  return lit;
}

/// Digits with a channel that is dark at some position, as bits: of the others all row groups are lit.
SRAMSIM_DEVICE uint32_t dark_digits(const SramConvArgs& args, const WarpgroupPlace& me) {
  const uint32_t all = args.piece_count > 0 ? 1u : ~0u >> (32 - args.geometry.kh * args.geometry.kw);
  uint32_t dark = 0;
  SRAMSIM_NO_UNROLL
  for (int k = ptx::lane_index(); k < args.digits * args.lit_blocks; k += ptx::kWarp) {
    const int digit = k / args.lit_blocks;
    const uint32_t lit = lit_positions(args, me, digit, k - digit * args.lit_blocks);
    if ((lit & all) != all) dark |= 1u << digit;
  }
  return ptx::warp_or(dark);
}

/// Of a digit, in lane l: which blocks of 32 channels are lit at position l, as bits; 1024 channels later
/// they begin anew.
SRAMSIM_DEVICE uint32_t lit_blocks(const SramConvArgs& args, const WarpgroupPlace& me, int digit) {
  uint32_t blocks = 0;
  SRAMSIM_NO_UNROLL
  for (int first = 0; first < args.lit_blocks; first += ptx::kWarp) {
    const int mine = first + ptx::lane_index(), count = args.lit_blocks - first;
    const uint32_t positions = mine < args.lit_blocks ? lit_positions(args, me, digit, mine) : 0u;
    ptx::warp_sync();  // shuffles want whole warps
    for (int block = 0; block < count && block < ptx::kWarp; ++block)
      blocks |= (ptx::warp_shuffle(positions, block) >> ptx::lane_index() & 1u) << block;
  }
  return blocks;
}

/// Whether any set bit of a digit can meet the lane's row group. All lanes take part. `blocks`: lit_blocks().
SRAMSIM_DEVICE bool is_lit(const SramConvArgs& args, const WarpgroupPlace& me, uint32_t blocks, int group) {
  uint32_t lit = 0;
  for (int k = 0; k < args.group_products; ++k) {
    const Unit product = me.product(group, k);
    SRAMSIM_UNROLL
    for (int run = 2; run < 4; ++run)
      lit |= ptx::warp_shuffle(blocks, rows_position(product.word[run])) & rows_blocks(product.word[run]);
  }
  return lit != 0;
}

/// Lists where the operands of a digit's row groups are that are lit, or of all, as number `first` and those
/// that follow; B as in the first slice. Returns how many: the lowest digit has one at least, lit or not, so
/// that loops have something to begin or to end with. `spreads`: all digits have operand A at the same place.
SRAMSIM_DEVICE int list_products(const SramConvArgs& args, const WarpgroupPlace& me, int digit, int first,
                                 bool all_lit, bool spreads) {
  constexpr uint32_t kUnit = sizeof(Unit);
  const uint32_t a = (spreads                ? me.spread()
                      : args.piece_count > 0 ? me.collected(digit)
                                             : me.bits(digit * args.digit_units, 0)) /
                     kUnit;
  const uint32_t weights = ptx::shared_base() / kUnit;
  const auto entry = [&](int at, int k) {
    return me.list() + static_cast<uint32_t>((first + at) * args.group_products + k) * kListEntry;
  };
  const uint32_t blocks = all_lit ? 0u : lit_blocks(args, me, digit);
  int count = 0;
  for (int begin = 0; begin < args.row_groups; begin += ptx::kWarp) {
    const int mine = begin + ptx::lane_index(), end = args.row_groups;
    const bool last = begin + ptx::kWarp >= end;
    const bool wanted = all_lit || is_lit(args, me, blocks, mine < end ? mine : end - 1);
    uint32_t all = ptx::warp_ballot(wanted && mine < end);
    if (digit == 0 && last && count + ptx::popc(all) == 0) all = 1;
    if ((all >> ptx::lane_index() & 1) != 0 &&
        (digit + begin / ptx::kWarp) % 4 == me.warp()) {  // the warps share the writing
      const int at = count + ptx::popc(all & ((1u << ptx::lane_index()) - 1u));
      for (int k = 0; k < args.group_products; ++k) {
        const Unit product = me.product(mine, k);
        ptx::shared_store_pair(entry(at, k), {a + product.word[0], weights + product.word[1]});
      }
    }
    count += ptx::popc(all);
  }
  return count;
}

/// Lists are read ahead: nothing in them may be unwritten.
SRAMSIM_DEVICE void clear_lists(const SramConvArgs& args, const WarpgroupPlace& me) {
  const auto units = static_cast<int>((args.offsets.size - args.offsets.list) / sizeof(Unit));
  for (int k = me.thread; k < units; k += ptx::kWarpgroup)
    ptx::shared_store_unit(me.list() + static_cast<uint32_t>(k) * sizeof(Unit), {});
}

/// Lists what a tile needs, digit after digit, each from a multiple of Product::kGroups row groups on, and
/// how many they are; false if all of it was there. `complete`: digits whose list has all row groups, as
/// bits; such a list is good for any tile whose groups are all lit, where no higher digit's changes.
template <class Product>
SRAMSIM_DEVICE bool list_tile(const SramConvArgs& args, const WarpgroupPlace& me, uint32_t& complete) {
  const uint32_t dark = dark_digits(args, me), all = (1u << args.digits) - 1u;
  if (dark == 0 && complete == all) return false;
  bool changed = false;
  int listed = 0;
  uint32_t conversions = 0;
  for (int digit = args.digits - 1; digit >= 0; --digit) {
    const bool all_lit = (dark >> digit & 1) == 0;
    int count = args.row_groups;
    if (!all_lit || changed || (complete >> digit & 1) == 0) {
      count = list_products(args, me, digit, listed, all_lit, Product::kSpreads);
      if (me.thread == 0)
        ptx::shared_store(me.count(digit),
                          static_cast<uint32_t>(count - (digit == 0 ? Product::kHeldBack : 0)));
      changed = true;
    }
    listed += (count + Product::kGroups - 1) / Product::kGroups * Product::kGroups;
    conversions = 2 * conversions + static_cast<uint32_t>(count);
  }
  complete = all & ~dark;
  // What every word holds too much after all conversions.
  if (me.thread == 0) ptx::shared_store(me.bias(), Product::Sums::kStart + conversions * args.adc.bias);
  return true;
}

/// Collects the bits of all digits, each thread those of one output pixel and every other digit.
SRAMSIM_DEVICE void collect_bits(const SramConvArgs& args, const WarpgroupPlace& me) {
  const int pixel = me.thread % kTilePixels, stride = args.geometry.stride;
  const int first = (pixel / kTileSide * args.halo_width + pixel % kTileSide) * stride;
  const ptx::SharedAddress pieces = ptx::shared_base() + args.offsets.pieces;
  for (int digit = me.thread / kTilePixels; digit < args.digits; digit += ptx::kWarpgroup / kTilePixels) {
    const ptx::SharedAddress from = me.bits(digit * args.digit_units, first),
                             to = me.collected(digit) + static_cast<uint32_t>(pixel) * sizeof(Unit);
    uint32_t word = 0;
    for (int first_piece = 0; first_piece < args.piece_count; first_piece += kPiecesAtOnce) {
      Unit piece[kPiecesAtOnce];
      uint32_t bits[kPiecesAtOnce];
      SRAMSIM_UNROLL
      for (int k = 0; k < kPiecesAtOnce; ++k)
        piece[k] = ptx::shared_load_unit(pieces + static_cast<uint32_t>(first_piece + k) * sizeof(Piece));
      SRAMSIM_UNROLL
      for (int k = 0; k < kPiecesAtOnce; ++k) bits[k] = ptx::shared_load(from + piece[k].word[0]);
      SRAMSIM_UNROLL
      for (int k = 0; k < kPiecesAtOnce; ++k) {
        word |= ptx::rotate_left(bits[k] & piece[k].word[1], piece[k].word[3]);
        if ((piece[k].word[3] & kPieceLast) != 0) {
          ptx::shared_store(to + piece[k].word[2], word);
          word = 0;
        }
      }
    }
  }
}

/// Spreads one digit of the tile to bytes, each thread that of its pixels: kFloat8Weights.
SRAMSIM_DEVICE void spread_digit(const SramConvArgs& args, const WarpgroupPlace& me, int digit) {
  const uint32_t pixel_step = static_cast<uint32_t>(me.pixels()) * sizeof(Unit);  // to the next 16 channels
  for (int unit = 0; unit < args.digit_units; ++unit)
    for (int pixel = me.thread; pixel < me.pixels(); pixel += ptx::kWarpgroup) {
      const Unit bits = ptx::shared_load_unit(me.bits(digit * args.digit_units + unit, pixel));
      ptx::SharedAddress to = me.spread() + static_cast<uint32_t>(8 * unit) * pixel_step +
                              static_cast<uint32_t>(pixel) * sizeof(Unit);
      SRAMSIM_UNROLL
      for (int half = 0; half < 8; ++half) {
        Unit bytes;
        SRAMSIM_UNROLL
        for (int w = 0; w < 4; ++w) {
          const int k = half % 2 * 4 + w;
          bytes.word[w] =
              k < 7 ? bits.word[half / 2] & 0x01010101u << k : bits.word[half / 2] >> 7 & 0x01010101u;
        }
        ptx::shared_store_unit(to, bytes);
        to += pixel_step;
      }
    }
}

}  // namespace sramsim::cuda
