// Which rows of a layer share a subarray: the result of a mapping, the only thing kernels see of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace sramsim {

/// A run of rows of one kernel position: channels [channel_begin, channel_end) at position kh*KW + kw.
/// The order of rows inside a group does not change its partial sums, so every mapping is a list of such
/// runs.
struct Segment {
  int32_t position = 0;
  int32_t channel_begin = 0;
  int32_t channel_end = 0;
  int32_t rows() const { return channel_end - channel_begin; }
  friend bool operator==(const Segment&, const Segment&) = default;
};

/// Row group g owns segments [group_begin[g], group_begin[g+1]). The groups partition all C*KH*KW rows.
struct RowPlan {
  int subarray_rows = 0;  ///< R: physical rows of one subarray; no group is larger
  std::vector<Segment> segments;
  std::vector<int32_t> group_begin{0};

  int groups() const { return static_cast<int>(group_begin.size()) - 1; }
  int rows(int g) const {
    int n = 0;
    for (int s = group_begin[g]; s < group_begin[g + 1]; ++s) n += segments[s].rows();
    return n;
  }
  int largest_group() const {
    int most = 0;
    for (int g = 0; g < groups(); ++g) most = std::max(most, rows(g));
    return most;
  }
  friend bool operator==(const RowPlan&, const RowPlan&) = default;
};

}  // namespace sramsim
