// Portable variant: bit-sliced partial sums (bit_sliced.h), one table look-up per conversion. Beyond the
// reference it forms the partial sums of 128 columns at once and skips every zero activation bit.
#include <algorithm>
#include <cmath>

#include "kernels/sram_conv/bit_sliced.h"
#include "kernels/sram_conv/variants.h"

namespace sramsim {
namespace {

/// A converter relative to its code for P = 0, so that skipped conversions add nothing.
struct RelativeTable {
  std::vector<int32_t> code;  ///< code[P] - code[0]
  int32_t zero_sum = 0;       ///< what code[0] adds to every output, over all groups, digits and planes
  double step = 1.0;
};

RelativeTable relative_table(const SramConvSpec& spec, const AdcTable& table) {
  RelativeTable relative;
  relative.step = table.step;
  relative.code.resize(size_t{spec.p_max()} + 1);
  for (size_t p = 0; p < relative.code.size(); ++p)
    relative.code[p] = static_cast<int32_t>(table.code[p] - table.code[0]);
  int64_t weight = 0;
  for (int i = 0; i < spec.digits(); ++i)
    for (int j = 0; j < spec.planes(); ++j)
      weight += int64_t{plane_weight(spec.encoding, spec.weight_bits, j)} * (1 << (i * spec.dac_bits));
  relative.zero_sum = static_cast<int32_t>(weight * spec.rows.groups() * table.code[0]);
  return relative;
}

/// P is the type of one partial sum: uint8_t where all fit, else uint32_t.
template <typename P>
class PortablePlan final : public SramConvPlan {
 public:
  PortablePlan(const SramConvSpec& spec, const int8_t* codes)
      : shape_(spec.shape),
        act_bits_(spec.act_bits),
        dac_bits_(spec.dac_bits),
        groups_(spec.rows.groups()),
        digits_(spec.digits()),
        offset_(offset_weight(spec.encoding, spec.weight_bits)),
        layer_(spec, codes) {
    for (const AdcTable& table : spec.adcs) tables_.push_back(relative_table(spec, table));
    for (int j = 0; j < spec.planes(); ++j)
      plane_weights_.push_back(plane_weight(spec.encoding, spec.weight_bits, j));
  }

  void run(const uint8_t* q, int n, std::span<const SramOutput> outputs) const override {
    const int64_t image_pixels = int64_t{shape_.out_h()} * shape_.out_w();
    ActivationPlanes activations(shape_, act_bits_);
#pragma omp parallel
    {
      Worker worker(*this, activations);
      for (int first = 0; first < n; first += activations.max_images()) {
        const int images = std::min(activations.max_images(), n - first);
        activations.pack(q + first * shape_.inputs(), images);
#pragma omp for schedule(dynamic, 8)
        for (int64_t pixel = 0; pixel < images * image_pixels; ++pixel)
          worker.pixel(pixel, first * image_pixels, outputs);
      }
    }
  }

 private:
  /// One thread's buffers and the loop over the conversions of one output pixel.
  class Worker {
   public:
    Worker(const PortablePlan& plan, const ActivationPlanes& activations)
        : plan_(plan),
          activations_(activations),
          scratch_(plan.layer_.make_scratch()),
          p_(plan.layer_.padded_lanes()),
          codes_(plan.tables_.size() * plan.layer_.lanes()),
          acc_(plan.tables_.size() * plan.shape_.o) {}

    void pixel(int64_t pixel, int64_t first_pixel, std::span<const SramOutput> outputs) {
      const ConvWindow window = conv_window(plan_.shape_, pixel);
      const int channels = plan_.shape_.o;
      for (size_t t = 0; t < plan_.tables_.size(); ++t)
        std::fill_n(acc_.begin() + t * channels, channels, plan_.tables_[t].zero_sum);
      for (int i = 0; i < plan_.digits_; ++i) digit(window, i);
      const int32_t window_sum =
          plan_.offset_ ? activations_.window_sum(window.image, window.h0, window.w0) : 0;
      for (size_t t = 0; t < plan_.tables_.size(); ++t)
        for (int o = 0; o < channels; ++o)
          store_output(outputs[t], first_pixel + pixel, channels, o,
                       sram_sum(acc_[t * channels + o], plan_.tables_[t].step, plan_.offset_, window_sum));
    }

   private:
    /// Adds all conversions of input digit i: codes are summed per column first, weighted once at the end.
    void digit(const ConvWindow& window, int i) {
      const int lanes = plan_.layer_.lanes();
      bool any = false;
      for (int g = 0; g < plan_.groups_; ++g) {
        if (!plan_.layer_.partial_sums(activations_, window, g, i, scratch_, p_.data())) continue;
        if (!any) std::fill(codes_.begin(), codes_.end(), 0);
        any = true;
        for (size_t t = 0; t < plan_.tables_.size(); ++t) {
          const int32_t* table = plan_.tables_[t].code.data();
          int32_t* sum = codes_.data() + t * lanes;
          for (int lane = 0; lane < lanes; ++lane) sum[lane] += table[p_[lane]];
        }
      }
      if (!any) return;
      const int channels = plan_.shape_.o;
      for (size_t t = 0; t < plan_.tables_.size(); ++t)
        for (size_t j = 0; j < plan_.plane_weights_.size(); ++j) {
          const int32_t weight = plan_.plane_weights_[j] * (1 << (i * plan_.dac_bits_));
          const int32_t* sum = codes_.data() + t * lanes + j * channels;
          int32_t* acc = acc_.data() + t * channels;
          for (int o = 0; o < channels; ++o)  // wraps at most on the way: the total fits 32 bits
            acc[o] =
                static_cast<int32_t>(static_cast<uint32_t>(acc[o]) + static_cast<uint32_t>(weight) * sum[o]);
        }
    }

    const PortablePlan& plan_;
    const ActivationPlanes& activations_;
    BitSlicedLayer::Scratch scratch_;
    std::vector<P> p_;            ///< partial sums of one row group and digit, per lane
    std::vector<int32_t> codes_;  ///< [table][lane] codes summed over row groups
    std::vector<int32_t> acc_;    ///< [table][O]
  };

  ConvShape shape_;
  int act_bits_, dac_bits_, groups_, digits_;
  int32_t offset_;
  BitSlicedLayer layer_;
  std::vector<RelativeTable> tables_;
  std::vector<int32_t> plane_weights_;
};

std::unique_ptr<SramConvPlan> make(const SramConvSpec& spec, const int8_t* codes) {
  if (spec.p_max() < 256) return std::make_unique<PortablePlan<uint8_t>>(spec, codes);
  return std::make_unique<PortablePlan<uint32_t>>(spec, codes);
}

}  // namespace

SramConvVariant sram_conv_portable() {
  return {"portable", "bit-sliced counters over 128 columns, only set activation bits cost anything",
          [](const SramConvSpec&) { return std::string(); }, make};
}

}  // namespace sramsim
