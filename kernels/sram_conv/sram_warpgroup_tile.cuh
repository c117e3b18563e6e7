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
  /// Notes of 32 channels of a plane, of all warps.
  SRAMSIM_DEVICE ptx::SharedAddress lit(int k, uint32_t block) const {
    return first + args.offsets.lit + (static_cast<uint32_t>(4 * k) + block) * sizeof(Unit);
  }
  SRAMSIM_DEVICE ptx::SharedAddress count(int digit) const {
    return first + args.offsets.counts + static_cast<uint32_t>(digit) * 4;
  }
  /// Of all conversions of the tile.
  SRAMSIM_DEVICE ptx::SharedAddress bias() const { return count(args.digits); }
  SRAMSIM_DEVICE ptx::SharedAddress list(int digit) const {
    return first + args.offsets.list + static_cast<uint32_t>(digit) * args.offsets.list_digit;
  }
  SRAMSIM_DEVICE Unit product(int group, int k) const {
    return ptx::shared_load_unit(ptx::shared_base() + args.offsets.products +
                                 static_cast<uint32_t>(group * args.group_products + k) * sizeof(Product));
  }
};

/// Starts copying the bits under a tile; what lies outside the images becomes zero. A thread copies all
/// planes of its pixels.
SRAMSIM_DEVICE void copy_bits_async(const SramConvArgs& args, const WarpgroupPlace& me,
                                    const TilePlace& place) {
  const Geometry& g = args.geometry;
  for (int pixel = me.thread; pixel < me.pixels(); pixel += ptx::kWarpgroup) {
    const int y = place.oy * g.stride + pixel / args.halo_width,
              x = place.ox * g.stride + pixel % args.halo_width;
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
  const int y = pixel / args.halo_width, x = pixel % args.halo_width;
  const int first = x < kTileSide ? 0 : x - (kTileSide - 1), end = x + 1 < g.kw ? x + 1 : g.kw;
  const uint32_t row = ((1u << (end - first)) - 1u) << first;
  uint32_t positions = 0;
  for (int ky = y < kTileSide ? 0 : y - (kTileSide - 1); ky < g.kh && ky <= y; ++ky)
    positions |= row << (ky * g.kw);
  return positions;
}

/// Notes where in the tile any bit is set: lit[plane][32 channels][warp].bit(position). `first_positions`:
/// where the thread's first pixel meets outputs, the same in all tiles.
SRAMSIM_DEVICE void note_lit(const SramConvArgs& args, const WarpgroupPlace& me, uint32_t first_positions) {
  for (int k = 0; k < args.geometry.pixel_units; ++k) {
    uint32_t lit[4] = {};
    for (int pixel = me.thread; pixel < me.pixels(); pixel += ptx::kWarpgroup) {
      const Unit bits = ptx::shared_load_unit(me.bits(k, pixel));
      const uint32_t positions = pixel < ptx::kWarpgroup ? first_positions : meeting_positions(args, pixel);
      SRAMSIM_UNROLL
      for (int w = 0; w < 4; ++w) lit[w] |= bits.word[w] != 0 ? positions : 0u;
    }
    SRAMSIM_UNROLL
    for (int w = 0; w < 4; ++w) {
      const uint32_t any = ptx::warp_or(lit[w]);
      if (ptx::lane_index() == 0)
        ptx::shared_store(me.lit(k, static_cast<uint32_t>(w)) + static_cast<uint32_t>(me.warp()) * 4, any);
    }
  }
}

/// What the warps have noted of 32 channels of a digit.
SRAMSIM_DEVICE uint32_t lit_positions(const SramConvArgs& args, const WarpgroupPlace& me, int digit,
                                      uint32_t block) {
  const Unit notes = ptx::shared_load_unit(me.lit(digit * args.digit_units, block));
  return notes.word[0] | notes.word[1] | notes.word[2] | notes.word[3];
}

/// Whether every 32 channels of a digit are lit at every position: then so is every row group.
SRAMSIM_DEVICE bool is_all_lit(const SramConvArgs& args, const WarpgroupPlace& me, int digit) {
  const uint32_t all = args.piece_count > 0 ? 1u : ~0u >> (32 - args.geometry.kh * args.geometry.kw);
  bool lit = true;
  for (int block = ptx::lane_index(); block < args.lit_blocks; block += ptx::kWarp)
    lit = lit && lit_positions(args, me, digit, static_cast<uint32_t>(block)) == all;
  return ptx::warp_all(lit);
}

/// Whether any set bit of a digit can meet a row group.
SRAMSIM_DEVICE bool is_lit(const SramConvArgs& args, const WarpgroupPlace& me, int digit, int group) {
  uint32_t lit = 0;
  for (int k = 0; k < args.group_products; ++k) {
    const Unit product = me.product(group, k);
    for (int run = 2; run < 4; ++run) {
      const uint32_t rows = product.word[run], position = rows & 0xffu, end = rows >> 20;
      for (uint32_t block = rows >> 8 & 0xfffu; block < end; ++block)
        lit |= lit_positions(args, me, digit, block) >> position;
    }
  }
  return (lit & 1) != 0;
}

/// Lists where the operands of a digit's row groups are that are lit, or of all; B as in the first slice.
/// `spreads`: all digits have operand A at the same place.
SRAMSIM_DEVICE void list_products(const SramConvArgs& args, const WarpgroupPlace& me, int digit, bool all_lit,
                                  bool spreads) {
  constexpr uint32_t kUnit = sizeof(Unit);
  const uint32_t a = (spreads                ? me.spread()
                      : args.piece_count > 0 ? me.collected(digit)
                                             : me.bits(digit * args.digit_units, 0)) /
                     kUnit;
  const uint32_t weights = ptx::shared_base() / kUnit;
  const auto entry = [&](int at, int k) {
    return me.list(digit) + static_cast<uint32_t>(at * args.group_products + k) * kListEntry;
  };
  int count = 0;
  for (int first = 0; first < args.row_groups; first += ptx::kWarp) {
    const int mine = first + ptx::lane_index();
    const bool wanted = mine < args.row_groups && (all_lit || is_lit(args, me, digit, mine));
    const uint32_t all = ptx::warp_ballot(wanted);
    if (wanted && (digit + first / ptx::kWarp) % 4 == me.warp()) {  // the warps share the writing
      const int at = count + ptx::popc(all & ((1u << ptx::lane_index()) - 1u));
      for (int k = 0; k < args.group_products; ++k) {
        const Unit product = me.product(mine, k);
        ptx::shared_store_pair(entry(at, k), {a + product.word[0], weights + product.word[1]});
      }
    }
    count += ptx::popc(all);
  }
  if (me.thread == 0) ptx::shared_store(me.count(digit), static_cast<uint32_t>(count));
}

/// Lists are read ahead: nothing in them may be unwritten.
SRAMSIM_DEVICE void clear_lists(const SramConvArgs& args, const WarpgroupPlace& me) {
  const auto units = static_cast<int>(args.offsets.list_digit / sizeof(Unit)) * args.digits;
  for (int k = me.thread; k < units; k += ptx::kWarpgroup)
    ptx::shared_store_unit(me.list(0) + static_cast<uint32_t>(k) * sizeof(Unit), {});
}

/// What every word holds too much after all conversions of a tile: it began with `start`.
SRAMSIM_DEVICE uint32_t sum_of_biases(const SramConvArgs& args, const WarpgroupPlace& me, uint32_t start) {
  uint32_t conversions = 0;
  for (int digit = args.digits - 1; digit >= 0; --digit)
    conversions = 2 * conversions + ptx::shared_load(me.count(digit));
  return start + conversions * args.adc.bias;
}

/// Lists what a tile needs; false if all of it was there. `complete`: digits whose list has all row groups,
/// as bits; such a list is good for any tile whose groups are all lit.
SRAMSIM_DEVICE bool list_tile(const SramConvArgs& args, const WarpgroupPlace& me, bool spreads,
                              uint32_t start, uint32_t& complete) {
  bool changed = false;
  for (int digit = 0; digit < args.digits; ++digit) {
    const bool all_lit = !args.skip_zeros || is_all_lit(args, me, digit);
    if (all_lit && (complete >> digit & 1) != 0) continue;
    list_products(args, me, digit, all_lit, spreads);
    complete = (complete & ~(1u << digit)) | (all_lit ? 1u : 0u) << digit;
    changed = true;
  }
  if (changed && me.thread == 0) ptx::shared_store(me.bias(), sum_of_biases(args, me, start));
  return changed;
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
