// By density: what a matrix unit takes does not depend on the activations, what carry-save counters take
// grows with every set bit. A few images at a time go to whichever is faster; sums are the same.
#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>
#include <numeric>

#include "kernels/core/division.h"
#include "kernels/sram_conv/carry_save.h"
#include "kernels/sram_conv/matrix_unit.h"
#include "kernels/sram_conv/variants.h"

namespace sramsim {
namespace {

constexpr int kImages = 8;         ///< that share a choice
constexpr int64_t kWord = 8;       ///< codes looked at together
constexpr int64_t kSamples = 512;  ///< words that are looked at, or up to twice as many

/// Share of the kernel positions of all windows that lie inside the image: carry-save counters skip the
/// others.
double inside_share(const ConvShape& shape) {
  const auto inside = [&](int size, int kernel, int windows) {
    int count = 0;
    for (int y = 0; y < windows; ++y)
      for (int k = 0; k < kernel; ++k) {
        const int at = y * shape.stride - shape.padding + k;
        count += 0 <= at && at < size;
      }
    return static_cast<double>(count) / (windows * kernel);
  };
  return inside(shape.h, shape.kh, shape.out_h()) * inside(shape.w, shape.kw, shape.out_w());
}

/// Nanoseconds for one window and row group, on a core of a Sapphire Rapids (bench/sram_conv_bench, conv2).
class Cost {
 public:
  explicit Cost(const SramConvSpec& spec) : windows_(int64_t{spec.shape.out_h()} * spec.shape.out_w()) {
    using namespace matrix_unit;
    const int groups = spec.rows.groups(), channel_blocks = ceil_div(spec.shape.o, kChannels);
    const int halves = ceil_div(spec.act_bits, kHalfBits);
    const bool two_slices = spec.rows.largest_group() > kSliceRows;
    rows_ = static_cast<double>(spec.shape.rows()) / groups;
    more_converters_ = static_cast<double>(spec.adcs.size() - 1);
    // Row groups that lie in several kernel positions are gathered window by window.
    const double pieces = static_cast<double>(spec.rows.segments.size()) / groups - 1;
    const double couple = two_slices ? 2.8 + 1.2 * more_converters_ : 1.5 + 0.6 * more_converters_;
    matrix_unit_ = (couple * channel_blocks * spec.planes() + 3.3 * pieces) * halves;
    const int cells =
        channel_blocks * ceil_div(spec.planes(), 4);  // of the counters, with as many channels each
    counters_ = inside_share(spec.shape) * ceil_div(cells, carry_save::kCells) * spec.act_bits;
    lists_ = 1.6 * pieces * spec.act_bits;
  }
  /// `density`: share of the activation bits of the images that are set.
  bool matrix_unit_is_faster(int images, double density) const {
    using matrix_unit::kWindows;
    const int64_t windows = images * windows_, worked_on = ceil_div<int64_t>(windows, kWindows) * kWindows;
    const double matrix_unit = matrix_unit_ * static_cast<double>(worked_on) / static_cast<double>(windows);
    const double set = rows_ * density;
    const double convert =
        std::min(8.0, 1.5 + 2.5 * set);  // so few that there is nothing to convert, or some
    return matrix_unit < lists_ + counters_ * (convert * (1 + 0.75 * more_converters_) + 0.5 * set);
  }

 private:
  int64_t windows_;
  double matrix_unit_, lists_, counters_, rows_, more_converters_;
};

/// Weights are packed for the counters at once, for the matrix unit by the first dense run(): most networks
/// never have one.
class ByDensityPlan final : public SramConvPlan {
 public:
  ByDensityPlan(const SramConvSpec& spec, const int8_t* codes)
      : spec_(spec),
        codes_(codes, codes + spec.shape.o * int64_t{spec.shape.rows()}),
        cost_(spec),
        sparse_(sram_conv_avx512().make(spec, codes)) {}

  void run(const uint8_t* q, int n, std::span<const SramOutput> outputs) const override {
    const auto next = [n](int first) { return std::min(first + kImages, n); };
    const auto is_dense = [&](int first) {
      return cost_.matrix_unit_is_faster(n, density(q, first, next(first)));
    };
    for (int first = 0, end; first < n; first = end) {
      const bool dense = is_dense(first);
      end = next(first);
      while (end < n && is_dense(end) == dense) end = next(end);
      run_images(dense ? dense_plan() : *sparse_, q, first, end, outputs);
    }
  }

  std::string describe() const override { return "amx for dense activations, avx512 for others"; }

 private:
  /// Share of the activation bits that are set, by a sample: all that depends on it is time.
  double density(const uint8_t* q, int first, int end) const {
    const int64_t words = (end - first) * spec_.shape.inputs() / kWord;
    int64_t step = std::max<int64_t>(words / kSamples, 1);
    while (std::gcd(step, spec_.shape.c) != 1) ++step;  // all channels get their turn
    int64_t set = 0, looked_at = 0;
    for (int64_t k = 0; k < words; k += step, ++looked_at) {
      uint64_t codes;
      std::memcpy(&codes, q + first * spec_.shape.inputs() + k * kWord, kWord);
      set += std::popcount(codes);
    }
    return static_cast<double>(set) /
           static_cast<double>(std::max<int64_t>(looked_at, 1) * kWord * spec_.act_bits);
  }

  void run_images(const SramConvPlan& plan, const uint8_t* q, int first, int end,
                  std::span<const SramOutput> outputs) const {
    std::vector<SramOutput> part(outputs.begin(), outputs.end());
    for (SramOutput& out : part) {
      if (out.s) out.s += first * spec_.shape.outputs();
      if (out.y) out.y += first * spec_.shape.outputs();
    }
    plan.run(q + first * spec_.shape.inputs(), end - first, part);
  }

  const SramConvPlan& dense_plan() const {
    std::call_once(made_, [&] { dense_ = sram_conv_amx().make(spec_, codes_.data()); });
    return *dense_;
  }

  SramConvSpec spec_;
  std::vector<int8_t> codes_;
  Cost cost_;
  std::unique_ptr<SramConvPlan> sparse_;
  mutable std::once_flag made_;
  mutable std::unique_ptr<SramConvPlan> dense_;
};

std::string refuses(const SramConvSpec& spec) {
  const std::string reason = sram_conv_amx().refuses(spec);
  return reason.empty() ? sram_conv_avx512().refuses(spec) : reason;
}

std::unique_ptr<SramConvPlan> make(const SramConvSpec& spec, const int8_t* codes) {
  if (!matrix_unit_fits(spec, codes)) return sram_conv_amx().make(spec, codes);
  return std::make_unique<ByDensityPlan>(spec, codes);
}

}  // namespace

SramConvVariant sram_conv_by_density() {
  return {"by-density", "the next two, a few images at a time each, by how many activation bits are set",
          refuses, make};
}

}  // namespace sramsim
