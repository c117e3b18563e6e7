// Host packing for the CUDA kernels: see the header.
#include "kernels/sram_conv/sram_pack_cuda.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace sramsim::cuda {
namespace {

/// The rows of one group within one unit.
struct UnitRows {
  int position = 0, unit = 0;
  std::array<uint32_t, 4> mask{};
};

std::array<uint32_t, 4> channel_mask(int begin, int end) {
  std::array<uint32_t, 4> mask{};
  for (int c = begin; c < end; ++c) mask[c / 32] |= 1u << plane_place(c % 32);
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

constexpr int unit_channels(ProductKind kind) {
  return kind == ProductKind::kFloat8 ? kChannelsPerCodeUnit : kChannelsPerPlaneUnit;
}

/// What one unit of operand A holds of a row group.
struct GroupPart {
  uint32_t place;                  ///< where it begins in operand A
  uint32_t run;                    ///< product_rows(): whose set bits make it worth its while
  std::vector<CollectedRow> rows;  ///< bit: plane_place(), or of the unit
};
using GroupParts = std::vector<std::vector<GroupPart>>;

/// Parts where they lie under a tile, in the order of their places.
GroupParts parts_in_place(const SramConvSpec& spec, ProductKind kind) {
  const int size = unit_channels(kind);
  const int width = halo_side(spec.shape.kw, 1), pixels = halo_side(spec.shape.kh, 1) * width;
  GroupParts groups(spec.rows.groups());
  for (int g = 0; g < spec.rows.groups(); ++g) {
    std::vector<std::pair<std::tuple<int, int, int>, GroupPart>> found;  // by unit, position, first channel
    for (int s = spec.rows.group_begin[g]; s < spec.rows.group_begin[g + 1]; ++s) {
      const Segment& segment = spec.rows.segments[s];
      for (int unit = segment.channel_begin / size; unit * size < segment.channel_end; ++unit) {
        const int begin = std::max(segment.channel_begin, unit * size),
                  end = std::min(segment.channel_end, (unit + 1) * size), position = segment.position;
        GroupPart part{static_cast<uint32_t>(unit * pixels + position / spec.shape.kw * width +
                                             position % spec.shape.kw),
                       product_rows(static_cast<uint32_t>(position), static_cast<uint32_t>(begin / 32),
                                    static_cast<uint32_t>((end + 31) / 32)),
                       {}};
        for (int c = begin; c < end; ++c)
          part.rows.push_back({position, c, plane_place(c % kChannelsPerPlaneUnit)});
        found.emplace_back(std::tuple(unit, position, begin), std::move(part));
      }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& l, const auto& r) { return l.first < r.first; });
    for (auto& [key, part] : found) groups[g].push_back(std::move(part));
  }
  return groups;
}

/// The same of collected rows. Of a collected group it is known only which channels its bits are from.
GroupParts parts_collected(const CollectPlan& plan) {
  GroupParts groups(plan.groups.size());
  for (size_t g = 0; g < groups.size(); ++g) {
    const CollectedGroup& group = plan.groups[g];
    int first = group.rows[0].channel, last = first;
    for (const CollectedRow& row : group.rows) {
      first = std::min(first, row.channel);
      last = std::max(last, row.channel);
    }
    for (int u = 0; u < group.units(); ++u)
      groups[g].push_back(
          {static_cast<uint32_t>((group.first_unit() + u) * kTilePixels),
           product_rows(0, static_cast<uint32_t>(first / 32), static_cast<uint32_t>(last / 32 + 1)),
           {}});
    for (const CollectedRow& row : group.rows)
      groups[g][row.bit / 128 - group.first_unit()].rows.push_back(
          {row.position, row.channel, row.bit % 128});
  }
  return groups;
}

GroupParts parts_of(const SramConvSpec& spec, ProductKind kind, const CollectPlan& plan) {
  return plan.units > 0 ? parts_collected(plan) : parts_in_place(spec, kind);
}

int products_of(const GroupParts& groups) {
  size_t most = 0;
  for (const auto& parts : groups) most = std::max(most, parts.size());
  return (static_cast<int>(most) + 1) / 2;
}

std::string refuses_warpgroups(const SramConvSpec& spec) {
  if (spec.dac_bits != 1) return "the DAC drives several bits at once";
  if (spec.planes() > kMaxPlanes) return "an output channel has more than 8 weight planes";
  return "";
}

/// Why operand A cannot be the bits under a tile as they lie there.
std::string refuses_in_place(const SramConvSpec& spec) {
  if (spec.shape.stride != 1) return "neighbouring windows must be neighbouring pixels (stride 1)";
  if (spec.shape.positions() > 32) return "the kernel has more than 32 positions";
  return "";
}

/// Makes products of parts, which it counts; all of the slice's `parts` lie in front of the zeros.
class ProductWriter {
 public:
  /// `columns`: of a slice.
  ProductWriter(size_t parts, uint32_t columns)
      : columns_(columns), zeros_(static_cast<uint32_t>(parts) * columns) {}

  /// The next one or two parts.
  Product make(const GroupPart* parts, size_t count) {
    const uint32_t a = parts[0].place, b = next_;
    next_ += static_cast<uint32_t>(count) * columns_;
    if (count == 1) return {ptx::matrix_place(a, 0), ptx::matrix_place(b, zeros_ - b), {parts[0].run, 0}};
    return {ptx::matrix_place(a, parts[1].place - a),
            ptx::matrix_place(b, columns_),
            {parts[0].run, parts[1].run}};
  }
  /// A product that gives nothing.
  Product make_empty() const { return {ptx::matrix_place(0, 0), ptx::matrix_place(zeros_, 0), {0, 0}}; }

 private:
  uint32_t columns_, next_ = 0, zeros_;
};

}  // namespace

WarpgroupProducts warpgroup_products(const SramConvSpec& spec, ProductKind kind, bool collects) {
  constexpr size_t kMostFloat8Parts = 2;  // more are quicker as bits
  WarpgroupProducts made;
  made.refusal = refuses_warpgroups(spec);
  if (made.refusal.empty() && !collects) made.refusal = refuses_in_place(spec);
  if (!made.refusal.empty()) return made;
  if (collects) made.collect = collect_rows(spec);
  const GroupParts groups = parts_of(spec, kind, made.collect);
  size_t all = 0;
  for (const auto& parts : groups) {
    all += parts.size();
    if (kind == ProductKind::kFloat8 && parts.size() > kMostFloat8Parts)
      made.refusal = "a row group spans more than two times 16 channels";
  }
  if (!made.refusal.empty()) return made;
  made.group_products = products_of(groups);
  made.slice_units = (static_cast<int>(all) + 1) * columns_of_slice(kind);
  ProductWriter writer(all, static_cast<uint32_t>(columns_of_slice(kind)));
  for (const auto& parts : groups)
    for (size_t k = 0; k < size_t{2} * made.group_products; k += 2)
      made.products.push_back(k < parts.size() ? writer.make(&parts[k], std::min<size_t>(2, parts.size() - k))
                                               : writer.make_empty());
  return made;
}

WarpgroupOffsets warpgroup_offsets(const SramConvSpec& spec, ProductKind kind, const WarpgroupProducts& made,
                                   int slices) {
  const ConvShape& s = spec.shape;
  const auto digits = static_cast<uint32_t>(spec.digits()), units = static_cast<uint32_t>(plane_units(s.c));
  const auto pixels = static_cast<uint32_t>(halo_side(s.kh, s.stride) * halo_side(s.kw, s.stride));
  const auto products = static_cast<uint32_t>(made.products.size());
  const uint32_t spread_units = kind == ProductKind::kFloat8
                                    ? 8 * units * pixels
                                    : digits * static_cast<uint32_t>(made.collect.units) * kTilePixels;
  WarpgroupOffsets o;
  o.products = static_cast<uint32_t>(slices * made.slice_units) * sizeof(Unit);
  o.pieces = o.products + products * sizeof(Product);
  o.first = o.pieces + static_cast<uint32_t>(made.collect.pieces.size()) * sizeof(Piece);
  o.spread = digits * units * pixels * sizeof(Unit);
  o.lit = o.spread + spread_units * sizeof(Unit);
  o.counts = o.lit + 4 * digits * units * sizeof(Unit);
  o.list = o.counts + (digits + 1 + 3) / 4 * sizeof(Unit);
  // A digit's entries may begin one row group later than they might, and kernels fetch two groups beyond the
  // last, which they do not use.
  const auto group = static_cast<uint32_t>(made.group_products);
  o.size = o.list + (digits * (products + group) + 2 * group + 1) / 2 * sizeof(Unit);
  return o;
}

std::vector<Unit> pack_warpgroup_weights(const SramConvSpec& spec, const int8_t* codes, ProductKind kind,
                                         const WarpgroupProducts& made, int slices) {
  const ConvShape& shape = spec.shape;
  const int pairs = warpgroup_pairs(spec), columns = columns_of_slice(kind), slice_o = columns / 2 / pairs,
            thread_o = slice_o / 4;
  std::vector<Unit> packed(size_t{1} * slices * made.slice_units);
  const auto set = [&](Unit& unit, int place) {
    if (kind == ProductKind::kFloat8) {
      const int byte = place % 32 / 8;
      unit.word[place % 4] |= uint32_t{kFloat8Weights[place % 8]} << (8 * byte);
    } else {
      unit.word[place / 32] |= 1u << (place % 32);
    }
  };
  int before = 0;  // units of the slice
  for (const auto& parts : parts_of(spec, kind, made.collect))
    for (const GroupPart& part : parts) {
      for (int o = 0; o < shape.o; ++o) {
        Unit* operand = &packed[size_t{1} * (o / slice_o) * made.slice_units + before];
        const int t = o % slice_o / thread_o, m = o % thread_o;
        for (const CollectedRow& row : part.rows) {
          const int code = codes[(int64_t{o} * shape.positions() + row.position) * shape.c + row.channel];
          for (int plane = 0; plane < spec.planes(); ++plane)
            if (plane_bit(spec.encoding, spec.weight_bits, code, plane) != 0)
              set(operand[8 * (m * pairs + plane / 2) + 2 * t + plane % 2], row.bit);
        }
      }
      before += columns;
    }
  return packed;
}

int64_t largest_column_sum(const SramConvSpec& spec, size_t adc) {
  const std::vector<uint32_t>& code = spec.adcs[adc].code;
  const int64_t largest = *std::max_element(code.begin(), code.begin() + spec.p_max() + 1);
  return spec.rows.groups() * largest * ((int64_t{1} << stored_bits(spec)) - 1);
}

int64_t largest_sum(const SramConvSpec& spec, size_t adc) {
  return largest_column_sum(spec, adc) * ((int64_t{1} << spec.weight_bits) - 1);
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
              static_cast<uint32_t>(plane_bit(spec.encoding, spec.weight_bits, code, j))
              << plane_place(c % 32);
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
