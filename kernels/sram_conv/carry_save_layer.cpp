#include "kernels/sram_conv/carry_save_layer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "kernels/core/division.h"

namespace sramsim::carry_save {
namespace {

constexpr int kMembersBytes =
    40 << 10;  ///< row vectors of groups worked on together: about a first-level cache
constexpr int kFamilyBytes =
    32 << 10;  ///< lists of one pixel for all groups of a family: a part of a block's

/// Weight planes by rising |weight|: four neighbours then span a factor of 8 at most, which leaves room for
/// the digit weights 1..8 in a signed byte.
std::vector<int> planes_by_weight(const SramConvSpec& spec) {
  std::vector<int> planes(spec.planes());
  for (int j = 0; j < spec.planes(); ++j) planes[j] = j;
  std::stable_sort(planes.begin(), planes.end(), [&](int a, int b) {
    return std::abs(plane_weight(spec.encoding, spec.weight_bits, a)) <
           std::abs(plane_weight(spec.encoding, spec.weight_bits, b));
  });
  return planes;
}

/// The multiplier s for which min(round(P * s / 2^15), top) is the table for every P of it, if there is one:
/// each entry allows a range of s, and all must overlap.
std::optional<int> rounding_scale(const uint8_t* bytes, int count, int top) {
  int64_t low = 1, high = std::numeric_limits<int16_t>::max();
  for (int64_t p = 0; p < count; ++p) {
    const int64_t code = bytes[p];
    if (p == 0 && code != 0) return std::nullopt;
    if (p == 0) continue;
    low = std::max(low, ((code << 15) - (1 << 14) + p - 1) / p);
    if (code != top) high = std::min(high, (((code + 1) << 15) - (1 << 14) - 1) / p);
  }
  if (low > high) return std::nullopt;
  return static_cast<int>(low);
}

/// The form that holds for most partial sums, if any is worth it.
ShiftForm shift_form(const uint8_t* bytes, int entries) {
  constexpr int kLeast = 7;
  ShiftForm best;
  best.most = kLeast - 1;
  for (int shift = 0; shift <= kMostShift; ++shift)
    for (int ones = 0; ones < 1 << shift; ++ones) {
      const int end = std::min(entries, (1 << kShiftPlanes) - ones);
      int p = 0;
      while (p < end && bytes[p] == (p + ones) >> shift) ++p;
      const auto planes = static_cast<int>(std::bit_width(static_cast<uint32_t>(p + ones))) - 1;
      if (p - 1 > best.most) best = {shift, ones, p - 1, planes, 0};
    }
  if (best.shift < 0) return {};
  // Half of the weights set, and the largest of some hundred sums.
  const auto largest = [](int rows) { return 0.5 * rows + 1.6 * std::sqrt(rows); };
  best.tried = best.most;
  while (best.tried + 1 + best.ones < 1 << kShiftPlanes &&
         largest(best.tried + 1) + best.ones < 1 << best.planes)
    ++best.tried;
  return best;
}

void choose_form(ByteTable& table, int count) {
  table.top = *std::max_element(table.bytes, table.bytes + count);
  table.form = ByteTable::Form::kTable;
  const auto clamps = [&](int p) { return table.bytes[p] == std::min<int>(p, table.top); };
  bool clamp = true;
  for (int p = 0; p < count; ++p) clamp = clamp && clamps(p);
  if (clamp) {
    table.form = ByteTable::Form::kClamp;
  } else if (const auto scale = rounding_scale(table.bytes, count, table.top)) {
    table.form = ByteTable::Form::kScale;
    table.scale = static_cast<int16_t>(*scale);
  }
}

}  // namespace

PackedLayer::PackedLayer(const SramConvSpec& spec, const int8_t* codes, const Engine& engine) {
  const ConvShape& shape = spec.shape;
  layer_.act_bits = spec.act_bits;
  layer_.dac_bits = spec.dac_bits;
  layer_.digits = spec.digits();
  layer_.halves = (spec.digits() - 1) * spec.dac_bits / 4 + 1;
  layer_.plane_bytes = (shape.c + 7) / 8;
  layer_.channels = shape.c;
  // pack_pixel() writes a whole word at the end of a plane, so that much follows the last one.
  const int used = static_cast<int>(sizeof(PixelHeader)) + spec.act_bits * layer_.plane_bytes;
  layer_.pixel_bytes = round_up(used + 7, 8);
  row_bytes_ = (shape.w + 2 * int64_t{shape.padding}) * layer_.pixel_bytes;
  layer_.step = shape.stride * layer_.pixel_bytes;
  layer_.row_step = shape.stride * row_bytes_;
  image_bytes_ = (shape.h + 2 * int64_t{shape.padding}) * row_bytes_;
  for (int k = 0; k < shape.positions(); ++k)
    position_offset_.push_back(
        static_cast<int32_t>(k / shape.kw * row_bytes_ + k % shape.kw * layer_.pixel_bytes));
  layer_.position_offset = position_offset_.data();
  layer_.positions = shape.positions();
  layer_.outputs = shape.o;
  layer_.offset = offset_weight(spec.encoding, spec.weight_bits);
  pack_rows(spec);
  pack_families(spec);
  pack_planes(spec);
  pack_weights(spec, codes, engine);
  pack_tables(spec, engine);
  layer_.strip_acc = int64_t{layer_.table_count} * layer_.halves * layer_.vectors * kCells * engine.lanes;
}

/// Cuts the row groups into pieces of at most kPieceRows rows and runs of at most 32.
void PackedLayer::pack_rows(const SramConvSpec& spec) {
  for (int g = 0; g < spec.rows.groups(); ++g) {
    const int first = spec.rows.group_begin[g], last = spec.rows.group_begin[g + 1] - 1;
    const int position = spec.rows.segments[first].position;
    bool one_position = true;
    Group group{static_cast<int32_t>(pieces_.size()), 0, 0, -1, -1, 0, 0};
    pieces_.push_back({static_cast<int32_t>(runs_.size()), 0, 0, 0});
    for (int k = first; k <= last; ++k) {
      const Segment& segment = spec.rows.segments[k];
      one_position = one_position && segment.position == position;
      for (int c = segment.channel_begin; c < segment.channel_end;) {
        if (pieces_.back().rows == kPieceRows)
          pieces_.push_back({static_cast<int32_t>(runs_.size()), 0, 0, 0});
        Piece& piece = pieces_.back();
        const int rows = std::min({segment.channel_end - c, kRunRows, kPieceRows - piece.rows});
        Run run;
        run.offset = position_offset_[segment.position] + static_cast<int>(sizeof(PixelHeader)) + c / 8;
        run.shift = static_cast<uint8_t>(c % 8);
        run.mask = ~0u >> (kRunRows - rows);
        // In rows until pack_weights() knows their size.
        run.entry = static_cast<uint16_t>(kConstantRows + piece.rows);
        runs_.push_back(run);
        run_rows_.push_back(segment.position * spec.shape.c + c);
        piece.run_end = static_cast<int32_t>(runs_.size());
        piece.rows += rows;
        group.rows += rows;
        c += rows;
      }
    }
    group.piece_end = static_cast<int32_t>(pieces_.size());
    if (one_position) {
      group.position = position;
      group.any_offset = position_offset_[position];
    }
    max_pieces_ = std::max(max_pieces_, group.piece_end - group.piece_begin);
    groups_.push_back(group);
  }
  layer_.list_stride = max_pieces_ == 1 ? round_up(kMostOnes + spec.rows.largest_group(), 32) + kListPadding
                                        : max_pieces_ * (kPieceRows + kListPadding);
  layer_.tile_lists = spec.act_bits * layer_.list_stride;
  layer_.runs = runs_.data();
  layer_.pieces = pieces_.data();
}

/// Both lie in one kernel position each and hold the same channels.
bool PackedLayer::lists_like(const Group& group, const Group& first) const {
  const auto runs = [&](const Group& g) {
    const Piece& piece = pieces_[g.piece_begin];
    return std::span(runs_).subspan(piece.run_begin, piece.run_end - piece.run_begin);
  };
  const auto simple = [](const Group& g) { return g.position >= 0 && g.piece_end - g.piece_begin == 1; };
  return simple(group) && simple(first) &&
         std::equal(runs(group).begin(), runs(group).end(), runs(first).begin(), runs(first).end(),
                    [&](const Run& a, const Run& b) {
                      return a.offset - group.any_offset == b.offset - first.any_offset && a.mask == b.mask &&
                             a.entry == b.entry && a.shift == b.shift;
                    });
}

/// Puts the groups in an order in which those that share lists stand together. Sums do not depend on it.
void PackedLayer::pack_families(const SramConvSpec& spec) {
  const int stride = spec.shape.stride, kw = spec.shape.kw;
  const int64_t tile_bytes = layer_.tile_lists * static_cast<int64_t>(sizeof(uint16_t));
  const int places = static_cast<int>(std::max<int64_t>(1, kFamilyBytes / tile_bytes));
  const int width = std::min({kFamilyWidth, kw, places}), height = std::min(kFamilyHeight, places / width);
  // Windows from one kernel position to another; negative where no number of windows leads there.
  const auto windows = [&](int from, int to) {
    return (to - from) % stride == 0 ? (to - from) / stride : -1;
  };
  const auto within = [](int distance, int most) { return 0 <= distance && distance < most; };
  std::vector<Group> left = std::exchange(groups_, {});
  while (!left.empty()) {
    const Group first = left.front();
    const auto down = [&](const Group& group) { return windows(first.position / kw, group.position / kw); };
    const auto right = [&](const Group& group) { return windows(first.position % kw, group.position % kw); };
    const auto others = std::stable_partition(left.begin() + 1, left.end(), [&](const Group& group) {
      return lists_like(group, first) && within(down(group), height) && within(right(group), width);
    });
    Family family{static_cast<int32_t>(groups_.size()), 0, 0, 0};
    std::for_each(left.begin(), others, [&](Group& group) {
      group.down = down(group);
      group.right = right(group);
      family.height = std::max(family.height, group.down + 1);
      family.width = std::max(family.width, group.right + 1);
    });
    groups_.insert(groups_.end(), left.begin(), others);
    left.erase(left.begin(), others);
    family.group_end = static_cast<int32_t>(groups_.size());
    families_.push_back(family);
    layer_.family_height = std::max(layer_.family_height, family.height);
    layer_.family_width = std::max(layer_.family_width, family.width);
  }
  layer_.groups = groups_.data();
  layer_.families = families_.data();
  layer_.family_count = static_cast<int>(families_.size());
}

/// Quads of planes, each with the shift that its weights have in common.
void PackedLayer::pack_planes(const SramConvSpec& spec) {
  const std::vector<int> planes = planes_by_weight(spec);
  for (size_t k = 0; k < planes.size(); k += 4) {
    quad_planes_.emplace_back(planes.begin() + k, planes.begin() + std::min(k + 4, planes.size()));
    quad_shift_.push_back(
        std::countr_zero(static_cast<uint32_t>(plane_weight(spec.encoding, spec.weight_bits, planes[k]))));
  }
  layer_.quads = static_cast<int>(quad_planes_.size());
  layer_.quad_shift = quad_shift_.data();
}

void PackedLayer::pack_weights(const SramConvSpec& spec, const int8_t* codes, const Engine& engine) {
  const ConvShape& shape = spec.shape;
  const int cells = round_up(shape.o, engine.lanes) / engine.lanes * layer_.quads;
  layer_.vectors = (cells + kCells - 1) / kCells;
  const int row_bytes = kCells * 4 * engine.lanes / 8;
  layer_.members_together =
      std::max(1, kMembersBytes / ((kConstantRows + spec.rows.largest_group()) * row_bytes));
  int64_t bytes = 0;
  for (Piece& piece : pieces_) {
    piece.weights = bytes;
    bytes += int64_t{layer_.vectors} * (kConstantRows + piece.rows) * row_bytes;
  }
  weights_ = AlignedArray<uint8_t>(bytes);
  std::fill_n(layer_.ones, std::size(layer_.ones), static_cast<uint16_t>(row_bytes / 8));
  for (const Piece& piece : pieces_) {
    for (int vector = 0; vector < layer_.vectors; ++vector)
      std::fill_n(
          weights_.get() + piece.weights + (int64_t{vector} * (kConstantRows + piece.rows) + 1) * row_bytes,
          row_bytes, uint8_t{0xFF});
    for (int k = piece.run_begin; k < piece.run_end; ++k) {
      Run& run = runs_[k];
      for (int r = 0; r < std::popcount(run.mask); ++r)
        for (int o = 0; o < shape.o; ++o) {
          const int code = codes[int64_t{o} * shape.rows() + run_rows_[k] + r];
          for (int quad = 0; quad < layer_.quads; ++quad) {
            const int cell = o / engine.lanes * layer_.quads + quad;
            uint8_t* row =
                weights_.get() + piece.weights +
                (int64_t{cell / kCells} * (kConstantRows + piece.rows) + run.entry + r) * row_bytes;
            for (size_t j = 0; j < quad_planes_[quad].size(); ++j) {
              const int bit = engine.column_bit(cell % kCells, o % engine.lanes, static_cast<int>(j));
              row[bit / 8] |= static_cast<uint8_t>(
                  plane_bit(spec.encoding, spec.weight_bits, code, quad_planes_[quad][j]) << (bit % 8));
            }
          }
        }
      run.entry = static_cast<uint16_t>(run.entry * (row_bytes / 8));
    }
  }
  dots_.resize(layer_.vectors);
  for (int cell = 0; cell < layer_.vectors * kCells; ++cell) {
    const int quad = cell % layer_.quads;
    for (int s = 0; s < 4; ++s) {
      uint32_t word = 0;
      for (size_t j = 0; j < quad_planes_[quad].size(); ++j) {
        const int weight = plane_weight(spec.encoding, spec.weight_bits, quad_planes_[quad][j]);
        word |= static_cast<uint32_t>(static_cast<uint8_t>(weight / (1 << quad_shift_[quad]) * (1 << s)))
                << (8 * j);
      }
      dots_[cell / kCells].words[s][cell % kCells] = word;
    }
  }
  layer_.weights = weights_.get();
  layer_.dots = &dots_.data()->words;
}

void PackedLayer::pack_tables(const SramConvSpec& spec, const Engine& engine) {
  const int64_t entries = int64_t{spec.p_max()} + 1;
  const int64_t padded = std::max<int64_t>(256, (entries + 127) / 128 * 128);
  std::vector<ByteTable> tables;
  for (size_t t = 0; t < spec.adcs.size(); ++t) {
    const std::vector<uint32_t>& code = spec.adcs[t].code;
    for (int shift = 0; shift < 32; shift += 8) {
      const auto byte = [&](int64_t p) {
        return static_cast<uint8_t>(code[std::min(p, entries - 1)] >> shift);
      };
      ByteTable table{};
      table.output = static_cast<int32_t>(t);
      table.shift = shift;
      while (table.first < entries && byte(table.first) == 0) ++table.first;
      if (table.first == entries) continue;
      AlignedArray<uint8_t> bytes(padded + 64);  // 32-bit gathers read up to three bytes more
      for (int64_t p = 0; p < padded; ++p) bytes.get()[p] = byte(p);
      table.bytes = bytes.get();
      for (int p = 0; p < 64; ++p) table.nibble[p] = bytes.get()[p % 16];
      if (!engine.any_table) choose_form(table, static_cast<int>(std::min<int64_t>(entries, 256)));
      table_bytes_.push_back(std::move(bytes));
      tables.push_back(table);
    }
    steps_.push_back(sum_step(spec, t));
  }
  tables_ = AlignedArray<ByteTable>(tables.size());
  std::copy(tables.begin(), tables.end(), tables_.get());
  layer_.tables = tables_.get();
  layer_.table_count = static_cast<int>(tables.size());
  layer_.first = std::numeric_limits<uint32_t>::max();
  for (const ByteTable& table : tables) layer_.first = std::min(layer_.first, table.first);
  if (engine.shifts && layer_.table_count == 1 && tables[0].shift == 0)
    layer_.form = shift_form(tables[0].bytes, static_cast<int>(std::min<int64_t>(entries, 256)));
  layer_.steps = steps_.data();
  layer_.output_count = static_cast<int>(spec.adcs.size());
  layer_.accumulators_are_sums = layer_.halves == 1 && layer_.quads == 1 && quad_shift_[0] == 0 &&
                                 layer_.table_count == layer_.output_count;
  for (int t = 0; layer_.accumulators_are_sums && t < layer_.table_count; ++t)
    layer_.accumulators_are_sums = tables[t].output == t && tables[t].shift == 0;
}

}  // namespace sramsim::carry_save
