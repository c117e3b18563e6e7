// Mixed variant: of several ADC tables, the lossless ones take the integer convolution and the others share
// one pass of the best remaining variant.
#include <algorithm>

#include "kernels/sram_conv/variants.h"

namespace sramsim {
namespace {

class MixedPlan final : public SramConvPlan {
 public:
  MixedPlan(const SramConvSpec& spec, const int8_t* codes) {
    SramConvSpec lossless = spec, lossy = spec;
    lossless.adcs.clear();
    lossy.adcs.clear();
    for (size_t t = 0; t < spec.adcs.size(); ++t) {
      const bool exact = spec.adcs[t].lossless();
      (exact ? lossless : lossy).adcs.push_back(spec.adcs[t]);
      (exact ? lossless_ : lossy_).tables.push_back(t);
    }
    lossless_.plan = plan_sram_conv(lossless, codes);
    lossy_.plan = plan_sram_conv(lossy, codes);
  }

  void run(const uint8_t* q, int n, std::span<const SramOutput> outputs) const override {
    for (const Part* part : {&lossless_, &lossy_}) {
      std::vector<SramOutput> own;
      for (size_t t : part->tables) own.push_back(outputs[t]);
      part->plan->run(q, n, own);
    }
  }

 private:
  struct Part {
    std::vector<size_t> tables;
    std::unique_ptr<SramConvPlan> plan;
  };
  Part lossless_, lossy_;
};

std::string refuses(const SramConvSpec& spec) {
  const auto exact =
      std::count_if(spec.adcs.begin(), spec.adcs.end(), [](const AdcTable& t) { return t.lossless(); });
  if (exact == 0) return "no ADC table is lossless";
  if (exact == static_cast<int64_t>(spec.adcs.size())) return "all ADC tables are lossless";
  return "";
}

std::unique_ptr<SramConvPlan> make(const SramConvSpec& spec, const int8_t* codes) {
  return std::make_unique<MixedPlan>(spec, codes);
}

}  // namespace

SramConvVariant sram_conv_mixed() {
  return {"mixed", "lossless tables by integer convolution, the others in one pass of the next variant",
          refuses, make};
}

}  // namespace sramsim
