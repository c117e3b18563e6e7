// Placing the pieces: whole where a word has room for them in some rotation, bit by bit where not, so that a
// group takes no more words than its rows need.
#include "kernels/sram_conv/sram_collect_cuda.h"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "kernels/sram_conv/sram_pack_cuda.h"

namespace sramsim::cuda {
namespace {

/// Some bits of one word of a window, and where they go.
struct PlacedPiece {
  uint32_t source, mask;
  int word, rotate;
};

/// The words of one group while they fill.
class GroupWords {
 public:
  explicit GroupWords(int words) : taken_(static_cast<size_t>(words)) {}

  void place(uint32_t source, uint32_t mask) {
    for (size_t w = 0; w < taken_.size(); ++w)
      for (int rotate = 0; rotate < 32; ++rotate)
        if ((taken_[w] & std::rotl(mask, rotate)) == 0) {
          put(source, mask, w, rotate);
          return;
        }
    std::map<std::pair<size_t, int>, uint32_t> masks;  // bits that go the same way are one piece
    for (; mask != 0; mask &= mask - 1) {
      size_t w = 0;
      while (taken_[w] == ~0u) ++w;
      const int rotate = (std::countr_one(taken_[w]) - std::countr_zero(mask)) & 31;
      const uint32_t bit = mask & (0u - mask);
      taken_[w] |= std::rotl(bit, rotate);
      masks[{w, rotate}] |= bit;
    }
    for (const auto& [way, bits] : masks)
      pieces.push_back({source, bits, static_cast<int>(way.first), way.second});
  }

  std::vector<PlacedPiece> pieces;

 private:
  void put(uint32_t source, uint32_t mask, size_t w, int rotate) {
    taken_[w] |= std::rotl(mask, rotate);
    pieces.push_back({source, mask, static_cast<int>(w), rotate});
  }
  std::vector<uint32_t> taken_;
};

/// A word of 32 channels of a kernel position.
struct WindowWord {
  int position, word;
};

/// Piece::source and Piece::target.
uint32_t source_of(const ConvShape& s, const WindowWord& at) {
  const int width = halo_side(s.kw, s.stride), pixels = halo_side(s.kh, s.stride) * width;
  const int unit = at.word / 4 * pixels + at.position / s.kw * width + at.position % s.kw;
  return static_cast<uint32_t>(unit * static_cast<int>(sizeof(Unit)) + at.word % 4 * 4);
}
uint32_t target_of(int word) {
  return static_cast<uint32_t>(word / 4 * kTilePixels * static_cast<int>(sizeof(Unit)) + word % 4 * 4);
}

/// Lays the words of a window that hold rows of group g.
std::vector<WindowWord> place_rows(const RowPlan& rows, int g, GroupWords& words) {
  std::vector<WindowWord> from;
  for (int k = rows.group_begin[g]; k < rows.group_begin[g + 1]; ++k) {
    const Segment& segment = rows.segments[k];
    for (int c = segment.channel_begin; c < segment.channel_end;) {
      const int word = c / 32, end = std::min(segment.channel_end, 32 * (word + 1));
      uint32_t mask = 0;
      for (; c < end; ++c) mask |= 1u << plane_place(c % 32);
      words.place(static_cast<uint32_t>(from.size()), mask);
      from.push_back({segment.position, word});
    }
  }
  std::stable_sort(words.pieces.begin(), words.pieces.end(),
                   [](const PlacedPiece& l, const PlacedPiece& r) { return l.word < r.word; });
  return from;
}

}  // namespace

CollectPlan collect_rows(const SramConvSpec& spec) {
  CollectPlan plan;
  int next = 0;                         // word
  const auto fill_to = [&](int word) {  // nothing that a product reads may be unwritten
    for (; next < word; ++next) plan.pieces.push_back({0, 0, target_of(next), kPieceLast});
  };
  for (int g = 0; g < spec.rows.groups(); ++g) {
    CollectedGroup group;
    group.words = (spec.rows.rows(g) + 31) / 32;
    if (next % 4 + group.words > 4) fill_to((next + 3) / 4 * 4);
    group.first_word = next;
    next += group.words;
    GroupWords words(group.words);
    const std::vector<WindowWord> from = place_rows(spec.rows, g, words);
    for (size_t k = 0; k < words.pieces.size(); ++k) {
      const PlacedPiece& p = words.pieces[k];
      const WindowWord& at = from[p.source];
      const int word = group.first_word + p.word;
      const bool last = k + 1 == words.pieces.size() || words.pieces[k + 1].word != p.word;
      plan.pieces.push_back({source_of(spec.shape, at), p.mask, target_of(word),
                             static_cast<uint32_t>(p.rotate) | (last ? kPieceLast : 0)});
      for (int c = 0; c < 32; ++c) {
        const int bit = plane_place(c);
        if ((p.mask >> bit & 1) != 0)
          group.rows.push_back({at.position, 32 * at.word + c, 32 * word + (bit + p.rotate) % 32});
      }
    }
    plan.groups.push_back(std::move(group));
  }
  fill_to((next + 3) / 4 * 4);
  plan.units = next / 4;
  while (plan.pieces.size() % kPiecesAtOnce != 0) plan.pieces.push_back({0, 0, 0, 0});  // moves nothing
  return plan;
}

}  // namespace sramsim::cuda
