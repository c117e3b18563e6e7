// A deterministic converter as a table over every partial sum: the truth that all kernels share.
#pragma once

#include <cstdint>
#include <vector>

namespace sramsim {

/// code[P] for P = 0..p_max(); one code unit is worth `step` partial-sum units (D in the equations).
/// Made once on the host (host/adc); a faster form in a kernel is admitted only after it equals this for
/// every P.
struct AdcTable {
  std::vector<uint32_t> code;
  double step = 1.0;
  /// The largest code the converter can give: min(2^bits - 1, F), p_max for an ideal one. step*max_code is
  /// the full scale; a larger partial sum saturates.
  uint32_t max_code = 0;

  uint32_t p_max() const { return static_cast<uint32_t>(code.size()) - 1; }
  /// True where every code is its partial sum: shift-add then is an ordinary integer convolution.
  bool lossless() const {
    if (step != 1.0) return false;
    for (uint32_t p = 0; p < code.size(); ++p)
      if (code[p] != p) return false;
    return true;
  }
  friend bool operator==(const AdcTable&, const AdcTable&) = default;
};

}  // namespace sramsim
