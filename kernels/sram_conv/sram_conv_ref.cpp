// The scalar reference: the equations of sram_conv.h, loop by loop. Oracle of the tests; shares no packing
// code with the fast variants.
#include <vector>

#include "kernels/sram_conv/variants.h"

namespace sramsim {
namespace {

/// Top-left input coordinate of the window of one output pixel; may lie in the padding.
struct Window {
  const uint8_t* image;
  int h0, w0;
};

class ReferencePlan final : public SramConvPlan {
 public:
  ReferencePlan(const SramConvSpec& spec, const int8_t* codes)
      : spec_(spec), codes_(codes, codes + spec.shape.weights()) {}

  void run(const uint8_t* q, int n, std::span<const SramOutput> outputs) const override {
    const ConvShape& s = spec_.shape;
    const int64_t image_pixels = int64_t{s.out_h()} * s.out_w();
    const int64_t pixels = n * image_pixels;
#pragma omp parallel for schedule(dynamic, 4)
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      const int64_t in_image = pixel % image_pixels;
      const Window window{q + pixel / image_pixels * s.inputs(),
                          static_cast<int>(in_image / s.out_w()) * s.stride - s.padding,
                          static_cast<int>(in_image % s.out_w()) * s.stride - s.padding};
      const int32_t offset = offset_weight(spec_.encoding, spec_.weight_bits);
      const int32_t q_sum = offset ? window_sum(window) : 0;
      std::vector<int64_t> acc(spec_.adcs.size());
      for (int o = 0; o < s.o; ++o) {
        accumulate(window, o, acc);
        for (size_t t = 0; t < acc.size(); ++t)
          store_output(outputs[t], pixel, s.o, o,
                       sram_sum(static_cast<int32_t>(acc[t]), spec_.adcs[t].step, offset, q_sum));
      }
    }
  }

 private:
  /// Activations of one kernel position, or null in the padding.
  const uint8_t* activations(const Window& window, int position) const {
    const ConvShape& s = spec_.shape;
    const int h = window.h0 + position / s.kw, w = window.w0 + position % s.kw;
    if (h < 0 || h >= s.h || w < 0 || w >= s.w) return nullptr;
    return window.image + (int64_t{h} * s.w + w) * s.c;
  }

  int32_t window_sum(const Window& window) const {
    int32_t sum = 0;
    for (int position = 0; position < spec_.shape.positions(); ++position)
      if (const uint8_t* q = activations(window, position))
        for (int c = 0; c < spec_.shape.c; ++c) sum += q[c];
    return sum;
  }

  /// P(g,i,j) of output channel o.
  uint32_t partial_sum(const Window& window, int o, int g, int i, int j) const {
    const ConvShape& s = spec_.shape;
    uint32_t p = 0;
    for (int k = spec_.rows.group_begin[g]; k < spec_.rows.group_begin[g + 1]; ++k) {
      const Segment& segment = spec_.rows.segments[k];
      const uint8_t* q = activations(window, segment.position);
      if (!q) continue;
      const int8_t* code = codes_.data() + (int64_t{o} * s.positions() + segment.position) * s.c;
      for (int c = segment.channel_begin; c < segment.channel_end; ++c)
        p += act_digit(q[c], spec_.dac_bits, i) * plane_bit(spec_.encoding, spec_.weight_bits, code[c], j);
    }
    return p;
  }

  /// acc[t] = sum over g, i, j of plane_weight(j) * 2^(i*d) * table_t[P(g,i,j)].
  void accumulate(const Window& window, int o, std::vector<int64_t>& acc) const {
    acc.assign(acc.size(), 0);
    for (int g = 0; g < spec_.rows.groups(); ++g)
      for (int i = 0; i < spec_.digits(); ++i)
        for (int j = 0; j < spec_.planes(); ++j) {
          const uint32_t p = partial_sum(window, o, g, i, j);
          const int64_t weight = int64_t{plane_weight(spec_.encoding, spec_.weight_bits, j)} *
                                 (int64_t{1} << (i * spec_.dac_bits));
          for (size_t t = 0; t < acc.size(); ++t) acc[t] += weight * spec_.adcs[t].code[p];
        }
  }

  SramConvSpec spec_;
  std::vector<int8_t> codes_;
};

}  // namespace

SramConvVariant sram_conv_reference() {
  return {"reference", "the definition, one conversion at a time",
          [](const SramConvSpec&) { return std::string(); },
          [](const SramConvSpec& spec, const int8_t* codes) -> std::unique_ptr<SramConvPlan> {
            return std::make_unique<ReferencePlan>(spec, codes);
          }};
}

}  // namespace sramsim
