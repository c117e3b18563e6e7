#include "kernels/sram_conv/matrix_layer.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

namespace sramsim::matrix_unit {
namespace {

constexpr int kMaxRows = kMaxSlices * kSliceRows;
constexpr int kDepthAlign = 16;
// Activations of a strip, a part of a second-level cache: of windows on their own, and of such as share rows.
constexpr int64_t kOwnBytes = 320 << 10, kSharedBytes = 160 << 10;

int halves(const SramConvSpec& spec) {
  return ceil_div(spec.act_bits, kHalfBits);
}

/// f(group, row of the group, kernel position, channel) for every row.
template <class F>
void for_each_row(const SramConvSpec& spec, F&& f) {
  for (int g = 0; g < spec.rows.groups(); ++g)
    for (int s = spec.rows.group_begin[g], row = 0; s < spec.rows.group_begin[g + 1]; ++s) {
      const Segment& segment = spec.rows.segments[s];
      for (int c = segment.channel_begin; c < segment.channel_end; ++c, ++row) f(g, row, segment.position, c);
    }
}

/// Weight codes of an output channel at (position, channel).
const int8_t* weight_row(const SramConvSpec& spec, const int8_t* codes, int o) {
  return codes + int64_t{o} * spec.shape.rows();
}

/// Ones that any column stores in any row group, at most.
int largest_partial_sum(const SramConvSpec& spec, const int8_t* codes) {
  std::vector<int> ones(spec.rows.groups());
  int largest = 0;
  for (int o = 0; o < spec.shape.o; ++o)
    for (int j = 0; j < spec.planes(); ++j) {
      std::fill(ones.begin(), ones.end(), 0);
      const int8_t* row = weight_row(spec, codes, o);
      for_each_row(spec, [&](int g, int, int position, int c) {
        ones[g] += plane_bit(spec.encoding, spec.weight_bits, row[position * spec.shape.c + c], j);
      });
      largest = std::max(largest, *std::max_element(ones.begin(), ones.end()));
    }
  return largest;
}

/// Every row of the group stores a 1 in the plane of the output channel that has these codes. Few rows tell.
bool column_is_full(const SramConvSpec& spec, const int8_t* row, int plane, int group) {
  for (int s = spec.rows.group_begin[group]; s < spec.rows.group_begin[group + 1]; ++s) {
    const Segment& segment = spec.rows.segments[s];
    const int8_t* code = row + segment.position * spec.shape.c;
    for (int c = segment.channel_begin; c < segment.channel_end; ++c)
      if (plane_bit(spec.encoding, spec.weight_bits, code[c], plane) == 0) return false;
  }
  return true;
}

}  // namespace

std::string PackedLayer::refuses(const SramConvSpec& spec) {
  if (spec.dac_bits != 1) return "inputs of several bits";
  if (spec.rows.largest_group() > kMaxRows)
    return "row groups of more than " + std::to_string(kMaxRows) + " rows";
  for (const AdcTable& adc : spec.adcs)
    if (*std::max_element(adc.code.begin(), adc.code.begin() + spec.p_max() + 1) > 255)
      return "ADC codes above 255";
  return "";
}

bool PackedLayer::fits(const SramConvSpec& spec, const int8_t* codes) {
  if (spec.rows.largest_group() <= kMaxPartialSum) return true;
  for (int o = 0; o < spec.shape.o; ++o)
    for (int j = 0; j < spec.planes(); ++j)
      for (int g = 0; g < spec.rows.groups(); ++g)
        if (spec.rows.rows(g) > kMaxPartialSum && column_is_full(spec, weight_row(spec, codes, o), j, g))
          return false;
  return true;
}

PackedLayer::PackedLayer(const SramConvSpec& spec, const int8_t* codes) {
  pack_activations(spec);
  pack_passes(spec, codes);
  pack_converters(spec);
  layer_.long_tables = spec.rows.largest_group() > 63 && largest_partial_sum(spec, codes) > 63;
}

void PackedLayer::pack_activations(const SramConvSpec& spec) {
  const ConvShape& shape = spec.shape;
  layer_.c = shape.c, layer_.h = shape.h, layer_.w = shape.w;
  layer_.stride = shape.stride, layer_.padding = shape.padding;
  layer_.kh = shape.kh, layer_.kw = shape.kw;
  layer_.o = shape.o, layer_.out_h = shape.out_h(), layer_.out_w = shape.out_w();
  layer_.halves = halves(spec);
  layer_.offset = offset_weight(spec.encoding, spec.weight_bits);
  layer_.groups = spec.rows.groups();
  const int largest = spec.rows.largest_group();
  layer_.slices = ceil_div(largest, kSliceRows);
  layer_.depth = round_up(std::min(largest, kSliceRows), kDepthAlign);
  pack_runs(spec);
  layer_.shared = place_shared_rows();
  if (!layer_.shared) place_windows();
  layer_.group_places = group_places_.data();
  layer_.tiles.palette = 1;
  for (int tile = 0; tile < 8; ++tile) {
    const bool activations = tile < 2, weights = !activations && tile < 4;
    layer_.tiles.rows[tile] = static_cast<uint8_t>(weights ? layer_.depth / 4 : kWindows);
    layer_.tiles.row_bytes[tile] = static_cast<uint16_t>(activations ? layer_.depth : 4 * kChannels);
  }
}

void PackedLayer::pack_runs(const SramConvSpec& spec) {
  for_each_row(spec, [&](int g, int row, int position, int c) {
    const int down = position / spec.shape.kw, right = position % spec.shape.kw;
    const bool same = !runs_.empty() && runs_.back().down == down && runs_.back().right == right;
    if (same && row % kSliceRows != 0 && runs_.back().channel + runs_.back().rows == c)
      ++runs_.back().rows;
    else
      runs_.push_back({g, row, down, right, !same, c, 1});
  });
  layer_.runs = runs_.data();
  layer_.run_count = static_cast<int>(runs_.size());
}

void PackedLayer::place_windows() {
  layer_.slice_bytes = int64_t{kWindows} * layer_.depth;
  layer_.pair_bytes = layer_.slices * layer_.slice_bytes;
  layer_.half_bytes = layer_.groups * 2 * layer_.pair_bytes;
  layer_.block_bytes = layer_.halves * layer_.half_bytes;
  layer_.strip_blocks =
      static_cast<int>(std::clamp<int64_t>(kOwnBytes / layer_.block_bytes, 1, kStripBlocks));
  for (int g = 0; g < layer_.groups; ++g) group_places_.push_back(g * 2 * layer_.pair_bytes);
}

/// False if the layer does not allow it or would not gain.
bool PackedLayer::place_shared_rows() {
  const int64_t image_windows = int64_t{layer_.out_h} * layer_.out_w;
  if (layer_.stride != 1 || image_windows % kWindows != 0) return false;
  std::vector<int> slice_of_run;
  std::map<std::pair<int, int>, int> slices;
  for (const Run& run : runs_) {
    if (run.group_row % kSliceRows != 0) return false;
    const auto [at, is_new] = slices.try_emplace({run.channel, run.rows}, static_cast<int>(slices.size()));
    if (is_new) shared_slices_.push_back({run.channel, run.rows});
    const bool second = run.group_row > 0;
    if (second && (run.new_position || at->second != slice_of_run.back() + 1)) return false;
    slice_of_run.push_back(at->second);
  }
  layer_.shared_slices = shared_slices_.data();
  layer_.shared_slice_count = static_cast<int>(shared_slices_.size());

  const int64_t window_bytes =
      int64_t{2} * layer_.halves * layer_.shared_slice_count * layer_.kw * layer_.depth;
  layer_.strip_blocks =
      static_cast<int>(std::clamp<int64_t>(kSharedBytes / (kWindows * window_bytes), 1, kStripBlocks));
  const int64_t windows = int64_t{layer_.strip_blocks} * kWindows;
  const int64_t usual_rows =
      ceil_div<int64_t>(windows, layer_.out_w) + ceil_div(windows, image_windows) * (layer_.kh - 1);
  if (2 * usual_rows * layer_.out_w > 3 * windows * layer_.kh) return false;  // whole rows for few windows
  const int64_t most_images = (windows + image_windows - 2) / image_windows + 1;
  const int64_t most_rows = (windows + layer_.out_w - 2) / layer_.out_w + 1;
  layer_.input_rows = static_cast<int>(most_rows + most_images * (layer_.kh - 1));

  const int64_t row_bytes = int64_t{layer_.out_w} * layer_.depth;
  layer_.slice_bytes = layer_.kw * layer_.input_rows * row_bytes;
  // Behind the last slice, there is space for the second one that a group lacks.
  layer_.pair_bytes = (layer_.shared_slice_count + layer_.slices - 1) * layer_.slice_bytes;
  layer_.half_bytes = 2 * layer_.pair_bytes;
  for (size_t k = 0; k < runs_.size(); ++k) {
    const Run& run = runs_[k];
    if (run.group_row == 0)
      group_places_.push_back(slice_of_run[k] * layer_.slice_bytes +
                              (int64_t{run.right} * layer_.input_rows + run.down) * row_bytes);
  }
  return true;
}

/// Planes whose weights differ by a factor of 8 at most, as 8 times the weight must fit a signed byte, times
/// each half of the activation bits.
void PackedLayer::pack_passes(const SramConvSpec& spec, const int8_t* codes) {
  const auto weight = [&](int j) { return plane_weight(spec.encoding, spec.weight_bits, j); };
  for (int shift = 0; shift < spec.weight_bits; shift += 4) {
    std::vector<int> planes;
    for (int j = 0; j < spec.planes(); ++j)
      if (std::abs(weight(j)) >> shift >= 1 && std::abs(weight(j)) >> shift < 16) planes.push_back(j);
    if (planes.empty()) continue;
    weights_.push_back(weight_tiles(spec, codes, planes));
    for (int half = 0; half < halves(spec); ++half) {
      std::vector<uint32_t> dots;
      for (const int j : planes) {
        uint32_t word = 0;
        for (int bit = 0; bit < std::min(kHalfBits, spec.act_bits - kHalfBits * half); ++bit)
          word |= uint32_t{static_cast<uint8_t>(weight(j) / (1 << shift) * (1 << bit))} << (8 * bit);
        dots.push_back(word);
      }
      dots_.push_back(std::move(dots));
      passes_.push_back({half, static_cast<int>(planes.size()), shift + kHalfBits * half, dots_.back().data(),
                         weights_.back().get()});
    }
  }
  layer_.passes = passes_.data();
  layer_.pass_count = static_cast<int>(passes_.size());
}

AlignedArray<uint8_t> PackedLayer::weight_tiles(const SramConvSpec& spec, const int8_t* codes,
                                                const std::vector<int>& planes) const {
  const int64_t group_bytes = static_cast<int64_t>(planes.size()) * layer_.slices * kTileBytes;
  AlignedArray<uint8_t> tiles(int64_t{channel_blocks()} * layer_.groups * group_bytes);
#pragma omp parallel for schedule(static, kChannels)  // a channel block to one thread
  for (int o = 0; o < spec.shape.o; ++o) {
    const int8_t* code = weight_row(spec, codes, o);
    uint8_t* block = tiles.get() + int64_t{o / kChannels} * layer_.groups * group_bytes;
    for_each_row(spec, [&](int g, int row, int position, int c) {
      uint8_t* tile = block + g * group_bytes + int64_t{row / kSliceRows} * kTileBytes;
      const int r = row % kSliceRows;
      uint8_t* byte = tile + r / 4 * 4 * kChannels + o % kChannels * 4 + r % 4;
      for (const int j : planes) {
        *byte = static_cast<uint8_t>(
            plane_bit(spec.encoding, spec.weight_bits, code[position * spec.shape.c + c], j));
        byte += int64_t{layer_.slices} * kTileBytes;
      }
    });
  }
  return tiles;
}

void PackedLayer::pack_converters(const SramConvSpec& spec) {
  const auto p_max = static_cast<int>(spec.p_max());
  for (size_t t = 0; t < spec.adcs.size(); ++t) {
    const AdcTable& adc = spec.adcs[t];
    Converter& converter = converters_.emplace_back();
    for (int p = 0; p <= kMaxPartialSum; ++p)
      converter.codes[p] = static_cast<uint8_t>(adc.code[std::min(p, p_max)]);
    converter.step = sum_step(spec, t);
  }
  layer_.converters = converters_.data();
  layer_.converter_count = static_cast<int>(converters_.size());
}

}  // namespace sramsim::matrix_unit
