// Host packing for the CUDA kernels: see the header.
#include "kernels/sram_conv/sram_pack_cuda.h"

#include <algorithm>
#include <array>

namespace sramsim::cuda {
namespace {

/// The rows of one group within one unit.
struct UnitRows {
  int position = 0, unit = 0;
  std::array<uint32_t, 4> mask{};
};

std::array<uint32_t, 4> channel_mask(int begin, int end) {
  std::array<uint32_t, 4> mask{};
  for (int c = begin; c < end; ++c) mask[c / 32] |= 1u << (c % 32);
  return mask;
}

std::vector<UnitRows> group_units(const SramConvSpec& spec, int g) {
  std::vector<UnitRows> list;
  for (int s = spec.rows.group_begin[g]; s < spec.rows.group_begin[g + 1]; ++s) {
    const Segment& segment = spec.rows.segments[s];
    for (int unit = segment.channel_begin / kChannelsPerPlaneUnit;
         unit * kChannelsPerPlaneUnit < segment.channel_end; ++unit) {
      const int first = unit * kChannelsPerPlaneUnit;
      list.push_back({segment.position, unit,
                      channel_mask(std::max(segment.channel_begin - first, 0),
                                   std::min(segment.channel_end - first, kChannelsPerPlaneUnit))});
    }
  }
  return list;
}

bool covers_unit(const UnitRows& rows, int channels) {
  const int first = rows.unit * kChannelsPerPlaneUnit;
  return rows.mask == channel_mask(0, std::min(channels - first, kChannelsPerPlaneUnit));
}

struct StepWriter {
  const ConvShape& shape;
  const OperandStrides& a;
  int units, tile_o;

  /// Points operand `slot` of a step at a unit of a kernel position, one bit of the digit.
  void place(Step& step, int slot, int position, int unit, int bit, const uint32_t* mask) const {
    step.a[slot] = position / shape.kw * a.y + position % shape.kw * a.x + bit * a.bit + unit * a.unit;
    step.w[slot] = (position * units + unit) * tile_o;
    std::copy_n(mask, 4, step.mask[slot]);
  }
};

/// Appends the chain of one row group, two units a step, the digit's highest bit first.
void append_chain(std::vector<Step>& steps, const StepWriter& writer, const std::vector<UnitRows>& units,
                  int bits) {
  constexpr uint32_t kNoRows[4] = {};
  for (int bit = bits - 1; bit >= 0; --bit)
    for (size_t k = 0; k < units.size(); k += 2) {
      Step step{};
      const UnitRows& even = units[k];
      writer.place(step, 0, even.position, even.unit, bit, even.mask.data());
      if (k + 1 < units.size())
        writer.place(step, 1, units[k + 1].position, units[k + 1].unit, bit, units[k + 1].mask.data());
      else
        writer.place(step, 1, even.position, even.unit, bit, kNoRows);
      if (k == 0) step.flags |= bit == bits - 1 ? kStepFirst : kStepDouble;
      if (bit == 0 && k + 2 >= units.size()) step.flags |= kStepLast;
      steps.push_back(step);
    }
}

/// One product of a digit and a plane: weighs sign * 2^exponent.
struct Term {
  int digit, plane, exponent, sign;
};

std::vector<Term> all_terms(const SramConvSpec& spec) {
  std::vector<Term> terms;
  for (int j = 0; j < spec.planes(); ++j) {
    const int32_t weight = plane_weight(spec.encoding, spec.weight_bits, j);
    int log2 = 0;
    while ((1 << log2) != std::abs(weight)) ++log2;
    for (int i = spec.digits() - 1; i >= 0; --i)
      terms.push_back({i, j, log2 + i * spec.dac_bits, weight > 0 ? 1 : -1});
  }
  return terms;
}

}  // namespace

int direct_groups_per_step(const SramConvSpec& spec) {
  if (spec.dac_bits != 1) return 0;
  int per_step = 1;
  for (int g = 0; g < spec.rows.groups(); ++g) {
    const std::vector<UnitRows> units = group_units(spec, g);
    if (units.size() != 1) return 0;
    if (!covers_unit(units[0], spec.shape.c)) per_step = 2;
  }
  return per_step;
}

std::vector<Step> direct_steps(const SramConvSpec& spec, int groups_per_step, const OperandStrides& a,
                               int tile_o) {
  const StepWriter writer{spec.shape, a, plane_units(spec.shape.c), tile_o};
  std::vector<UnitRows> groups;
  for (int g = 0; g < spec.rows.groups(); ++g) groups.push_back(group_units(spec, g)[0]);
  const auto place = [](const UnitRows& r) { return std::pair(r.position, r.unit); };
  std::stable_sort(groups.begin(), groups.end(),
                   [&](const UnitRows& l, const UnitRows& r) { return place(l) < place(r); });
  std::vector<Step> steps;
  for (size_t g = 0; g < groups.size();) {
    Step step{};
    writer.place(step, 0, groups[g].position, groups[g].unit, 0, groups[g].mask.data());
    if (groups_per_step == 2 && g + 1 < groups.size() && place(groups[g]) == place(groups[g + 1])) {
      std::copy_n(groups[g + 1].mask.data(), 4, step.mask[1]);
      ++g;
    }
    ++g;
    steps.push_back(step);
  }
  return steps;
}

std::vector<Step> chained_steps(const SramConvSpec& spec, const OperandStrides& a, int tile_o) {
  const StepWriter writer{spec.shape, a, plane_units(spec.shape.c), tile_o};
  std::vector<Step> steps;
  for (int g = 0; g < spec.rows.groups(); ++g)
    append_chain(steps, writer, group_units(spec, g), spec.dac_bits);
  return steps;
}

std::vector<Step> integer_steps(const ConvShape& shape, const OperandStrides& a, int tile_o) {
  const StepWriter writer{shape, a, code_units(shape.c), tile_o};
  std::vector<UnitRows> units;
  for (int position = 0; position < shape.positions(); ++position)
    for (int unit = 0; unit < code_units(shape.c); ++unit)
      units.push_back({position, unit, {~0u, ~0u, ~0u, ~0u}});
  std::vector<Step> steps;
  append_chain(steps, writer, units, 1);
  return steps;
}

namespace {

/// 32 channels of one kernel position, of which the rows of a group are begin .. end - 1.
struct Float8Block {
  int position, block, begin, end;
};

std::vector<Float8Block> float8_blocks(const SramConvSpec& spec, int g) {
  std::vector<Float8Block> blocks;
  for (int s = spec.rows.group_begin[g]; s < spec.rows.group_begin[g + 1]; ++s) {
    const Segment& segment = spec.rows.segments[s];
    for (int block = segment.channel_begin / 32; block * 32 < segment.channel_end; ++block)
      blocks.push_back({segment.position, block, std::max(segment.channel_begin - 32 * block, 0),
                        std::min(segment.channel_end - 32 * block, 32)});
  }
  return blocks;
}

}  // namespace

Float8Products float8_products(const SramConvSpec& spec) {
  const ConvShape& shape = spec.shape;
  Float8Products made;
  size_t most = 0;
  for (int g = 0; g < spec.rows.groups(); ++g) most = std::max(most, float8_blocks(spec, g).size());
  if (most > 4) made.refusal = "a row group spans more than 4 times 32 channels";
  if (spec.dac_bits != 1) made.refusal = "the DAC drives several bits at once";
  if (shape.stride != 1) made.refusal = "neighbouring windows must be neighbouring pixels (stride 1)";
  if (shape.positions() > 32) made.refusal = "the kernel has more than 32 positions";
  if (spec.planes() > kMaxPlanes) made.refusal = "an output channel has more than 8 weight planes";
  if (!made.refusal.empty()) return made;
  made.blocks = most <= 2 ? static_cast<int>(most) : 4;
  const int halo_width = kTileSide - 1 + shape.kw, halo_pixels = (kTileSide - 1 + shape.kh) * halo_width;
  int tiles = 0, padding = 0;
  for (int g = 0; g < spec.rows.groups(); ++g) {
    const auto blocks = float8_blocks(spec, g);
    for (int k = 0; k < made.blocks; ++k) {
      const bool real = static_cast<size_t>(k) < blocks.size();
      const Float8Block& block = blocks[real ? k : 0];
      const int a =
          2 * block.block * halo_pixels + block.position / shape.kw * halo_width + block.position % shape.kw;
      padding += !real;
      made.products.push_back(
          {{static_cast<uint32_t>(a), static_cast<uint32_t>(real ? tiles++ * kFloat8TileUnits : -1),
            static_cast<uint32_t>(block.block), static_cast<uint32_t>(block.position)}});
    }
  }
  for (Unit& product : made.products)  // one tile of zeros serves all groups that are short
    if (product.word[1] == ~0u) product.word[1] = static_cast<uint32_t>(tiles * kFloat8TileUnits);
  made.weight_tiles = tiles + (padding > 0 ? 1 : 0);
  return made;
}

std::vector<Unit> pack_float8_weights(const SramConvSpec& spec, const int8_t* codes) {
  constexpr uint32_t kWeight = 0x10;  // 2^-5 in e4m3
  const ConvShape& shape = spec.shape;
  const int pairs = float8_pairs(spec), tile_o = kFloat8Columns / 2 / pairs;
  const int o_tiles = (shape.o + tile_o - 1) / tile_o, tiles = float8_products(spec).weight_tiles;
  std::vector<Unit> packed(size_t{1} * o_tiles * tiles * kFloat8TileUnits);
  int tile = 0;
  for (int g = 0; g < spec.rows.groups(); ++g)
    for (const Float8Block& block : float8_blocks(spec, g)) {
      for (int o = 0; o < shape.o; ++o)
        for (int c = block.begin; c < block.end; ++c) {
          const int code =
              codes[(int64_t{o} * shape.positions() + block.position) * shape.c + 32 * block.block + c];
          const int byte = 4 * (c % 8) + c / 8, in_tile = o % tile_o;
          for (int plane = 0; plane < spec.planes(); ++plane) {
            if (plane_bit(spec.encoding, spec.weight_bits, code, plane) == 0) continue;
            const int column = 8 * (in_tile / 4 * pairs + plane / 2) + 2 * (in_tile % 4) + plane % 2;
            const size_t unit = (size_t{1} * (o / tile_o) * tiles + tile) * kFloat8TileUnits +
                                byte / 16 * kFloat8Columns + column;
            packed[unit].word[byte % 16 / 4] |= kWeight << (byte % 4 * 8);
          }
        }
      ++tile;
    }
  return packed;
}

std::vector<Pass> make_passes(const SramConvSpec& spec, const AdcTable& table, const OperandStrides& a,
                              int tile_o, int64_t lane_limit) {
  std::vector<Term> terms = all_terms(spec);
  // Without a limit one Horner chain serves all terms; with one, a chain per plane keeps sums small.
  if (lane_limit == 0)
    std::stable_sort(terms.begin(), terms.end(),
                     [](const Term& l, const Term& r) { return l.exponent > r.exponent; });
  const int64_t codes = int64_t{spec.rows.groups()} *
                        *std::max_element(table.code.begin(), table.code.begin() + spec.p_max() + 1);
  if (lane_limit != 0 && codes > lane_limit) return {};
  const int32_t plane = spec.shape.positions() * plane_units(spec.shape.c) * tile_o;
  std::vector<Pass> passes;
  const auto weight = [](const Term& t) { return t.sign * (1 << t.exponent); };
  int64_t bound = 0;
  for (size_t k = 0; k < terms.size(); ++k) {
    const Term& t = terms[k];
    int32_t scale = 1;
    if (k > 0) {
      const Term& before = terms[k - 1];
      const bool chains = t.exponent <= before.exponent;
      if (chains) scale = before.sign * t.sign * (1 << (before.exponent - t.exponent));
      const int64_t grown = bound * std::abs(scale) + codes;
      if (lane_limit != 0 && (before.plane != t.plane || !chains || grown > lane_limit)) {
        passes.back().flush = weight(before);
        scale = 1;
        bound = codes;
      } else {
        bound = grown;
      }
    } else {
      bound = codes;
    }
    passes.push_back({t.digit * spec.dac_bits * a.bit, t.plane * plane, scale, 0});
  }
  passes.back().flush = weight(terms.back());
  return passes;
}

std::vector<Unit> pack_weight_planes(const SramConvSpec& spec, const int8_t* codes, int tile_o) {
  const ConvShape& s = spec.shape;
  const int units = plane_units(s.c), tiles = (s.o + tile_o - 1) / tile_o;
  std::vector<Unit> packed(size_t{1} * tiles * spec.planes() * s.positions() * units * tile_o);
  for (int o = 0; o < s.o; ++o)
    for (int position = 0; position < s.positions(); ++position)
      for (int c = 0; c < s.c; ++c) {
        const int code = codes[(int64_t{o} * s.positions() + position) * s.c + c];
        for (int j = 0; j < spec.planes(); ++j) {
          const int64_t row = ((int64_t{o} / tile_o * spec.planes() + j) * s.positions() + position) * units +
                              c / kChannelsPerPlaneUnit;
          packed[row * tile_o + o % tile_o].word[c % kChannelsPerPlaneUnit / 32] |=
              static_cast<uint32_t>(plane_bit(spec.encoding, spec.weight_bits, code, j)) << (c % 32);
        }
      }
  return packed;
}

std::vector<Unit> pack_weight_codes(const ConvShape& s, const int8_t* codes, int tile_o) {
  const int units = code_units(s.c), tiles = (s.o + tile_o - 1) / tile_o;
  std::vector<Unit> packed(size_t{1} * tiles * s.positions() * units * tile_o);
  for (int o = 0; o < s.o; ++o)
    for (int position = 0; position < s.positions(); ++position)
      for (int c = 0; c < s.c; ++c) {
        const auto code = static_cast<uint8_t>(codes[(int64_t{o} * s.positions() + position) * s.c + c]);
        const int64_t row =
            (int64_t{o} / tile_o * s.positions() + position) * units + c / kChannelsPerCodeUnit;
        packed[row * tile_o + o % tile_o].word[c % kChannelsPerCodeUnit / 4] |= uint32_t{code} << (c % 4 * 8);
      }
  return packed;
}

}  // namespace sramsim::cuda
