// Partial sums by bit-slicing, in portable C++: lane = j*O + o is the column of plane j and output channel o,
// and one machine word holds one bit of the partial sums of many lanes. For every *set* activation bit the
// row's words are added to carry-save counters (full adders of three logic steps), so zero bits cost nothing
// and no popcount instruction is needed. Shared by the portable variant and the partial-sum histogram.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/sram_conv/sram_conv.h"

namespace sramsim {

/// Activation codes of a few images as bit planes: words[(pixel*A + bit)*words_per_pixel + c/64], bit c%64.
class ActivationPlanes {
 public:
  ActivationPlanes(const ConvShape& shape, int act_bits);
  /// Images that fit a buffer of a few MB; at least 1.
  int max_images() const { return max_images_; }
  /// Call from every thread of a parallel region (the work is shared); n <= max_images().
  void pack(const uint8_t* q, int n);

  const uint64_t* bits(int64_t pixel, int bit) const {
    return words_.data() + (pixel * act_bits_ + bit) * words_per_pixel_;
  }
  /// Sum of the activation codes over the window whose top-left input coordinate is (h0, w0).
  int32_t window_sum(int image, int h0, int w0) const;

 private:
  ConvShape shape_;
  int act_bits_;
  int words_per_pixel_;
  int max_images_;
  std::vector<uint64_t> words_;
  std::vector<int32_t> channel_sum_;  ///< per input pixel
};

/// One output pixel's receptive field.
struct ConvWindow {
  int image = 0;
  int h0 = 0, w0 = 0;  ///< top-left input coordinate; negative in the padding
};
ConvWindow conv_window(const ConvShape& shape, int64_t output_pixel);

/// The weights of one layer as bit-sliced rows.
class BitSlicedLayer {
 public:
  BitSlicedLayer(const SramConvSpec& spec, const int8_t* codes);

  int lanes() const { return lanes_; }
  /// Lanes rounded up to whole words: the length of a partial-sum buffer.
  int padded_lanes() const { return vectors_ * kVectorLanes; }

  /// Per-thread working memory of partial_sums().
  struct Scratch {
    std::vector<int32_t> rows;      ///< set rows, grouped by bit of the digit
    std::vector<int32_t> rows_end;  ///< rows of digit bit t end at rows_end[t]
    std::vector<uint8_t> bytes;     ///< one byte of every lane's partial sum
  };
  Scratch make_scratch() const;

  /// P(g,i,j) of every lane of one window into p[padded_lanes()]; P is uint8_t (p_max < 256) or uint32_t.
  /// False, and p untouched, if no activation bit is set: every partial sum is then 0.
  template <typename P>
  bool partial_sums(const ActivationPlanes& activations, const ConvWindow& window, int g, int digit,
                    Scratch& scratch, P* p) const;

 private:
  static constexpr int kVectorLanes = 128;

  /// Rows of group g whose digit has bit t set, for all t. Returns the largest partial sum they can make.
  uint32_t find_set_rows(const ActivationPlanes& activations, const ConvWindow& window, int g, int digit,
                         Scratch& scratch) const;

  ConvShape shape_;
  int act_bits_, dac_bits_;
  RowPlan rows_;
  int lanes_, vectors_;
  std::vector<uint64_t> weights_;  ///< [position*C + c][vector][2]
};

}  // namespace sramsim
