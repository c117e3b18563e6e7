// Integer variant: where no converter loses anything, the shift-add of all codes is the ordinary integer
// convolution, for every mapping, encoding and DAC width; no conversion needs to be simulated.
#include <algorithm>

#include "kernels/int_conv/int_conv.h"
#include "kernels/sram_conv/variants.h"

namespace sramsim {
namespace {

bool same_scaling(const SramOutput& a, const SramOutput& b) {
  return a.act_scale == b.act_scale && a.weight_scale == b.weight_scale && a.bias == b.bias &&
         a.relu == b.relu;
}

class IntegerPlan final : public SramConvPlan {
 public:
  IntegerPlan(const SramConvSpec& spec, const int8_t* codes)
      : outputs_(spec.shape.outputs()), conv_(plan_int_conv(spec.shape, (1 << spec.act_bits) - 1, codes)) {}

  /// All lossless tables give the same sums: outputs that want the same of them are copied.
  void run(const uint8_t* q, int n, std::span<const SramOutput> outputs) const override {
    const int64_t count = n * outputs_;
    for (size_t t = 0; t < outputs.size(); ++t) {
      const SramOutput& out = outputs[t];
      const auto same = std::find_if(outputs.begin(), outputs.begin() + t, [&](const SramOutput& earlier) {
        return out.s ? earlier.s != nullptr : earlier.y != nullptr && same_scaling(out, earlier);
      });
      if (same == outputs.begin() + t)
        conv_->run(q, n, out);
      else if (out.s)
        std::copy_n(same->s, count, out.s);
      else
        std::copy_n(same->y, count, out.y);
    }
  }

 private:
  int64_t outputs_;  ///< per image
  std::unique_ptr<IntConvPlan> conv_;
};

std::string refuses(const SramConvSpec& spec) {
  for (const AdcTable& table : spec.adcs)
    if (!table.lossless()) return "an ADC table is not lossless";
  return "";
}

std::unique_ptr<SramConvPlan> make(const SramConvSpec& spec, const int8_t* codes) {
  return std::make_unique<IntegerPlan>(spec, codes);
}

}  // namespace

SramConvVariant sram_conv_integer() {
  return {"integer", "lossless converters only: one exact integer convolution instead of all conversions",
          refuses, make};
}

}  // namespace sramsim
