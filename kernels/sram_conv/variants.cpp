// The ordered list of variants, best first, and the choice among them.
#include "kernels/sram_conv/variants.h"

#include "kernels/core/error.h"

namespace sramsim {

std::span<const SramConvVariant> sram_conv_variants() {
  static const SramConvVariant list[] = {sram_conv_integer(),  sram_conv_mixed(),    sram_conv_by_density(),
                                         sram_conv_amx(),      sram_conv_avx512(),   sram_conv_avx2(),
                                         sram_conv_portable(), sram_conv_reference()};
  return list;
}

namespace {

const SramConvVariant& find_variant(const std::string& name) {
  std::string known;
  for (const SramConvVariant& v : sram_conv_variants()) {
    if (name == v.name) return v;
    known += (known.empty() ? "" : ", ") + std::string(v.name);
  }
  throw InputError("SRAM kernel '" + name + "' is unknown, choose one of: " + known);
}

const SramConvVariant& choose_variant(const SramConvSpec& spec, const std::string& force) {
  if (!force.empty()) {
    const SramConvVariant& v = find_variant(force);
    const std::string reason = v.refuses(spec);
    if (!reason.empty()) throw InputError("SRAM kernel '" + force + "' cannot be used: " + reason);
    return v;
  }
  for (const SramConvVariant& v : sram_conv_variants())
    if (v.refuses(spec).empty()) return v;
  throw RunError("no SRAM kernel accepts this layer");  // unreachable: the reference accepts everything
}

}  // namespace

std::unique_ptr<SramConvPlan> plan_sram_conv(const SramConvSpec& spec, const int8_t* codes,
                                             const std::string& force, std::string* chosen) {
  check_sram_conv(spec, codes);
  const SramConvVariant& v = choose_variant(spec, force);
  if (chosen) *chosen = v.name;
  return v.make(spec, codes);
}

}  // namespace sramsim
