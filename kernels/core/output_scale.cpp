#include "kernels/core/output_scale.h"

namespace sramsim {

OutputScale output_scale(float act, float weight) {
  OutputScale scale;
  scale.act = act;
  scale.weight = weight;
  scale.act_reciprocal = two_floats(1.0 / act);
  scale.weight_reciprocal = two_floats(1.0 / weight);
  const auto moderate = [](float d) { return d > 0x1p-30f && d < 0x1p30f; };
  scale.normal = moderate(act) && moderate(weight);
  scale.exact = scale.normal && gives_quotients(scale.act_reciprocal, act) &&
                gives_quotients(scale.weight_reciprocal, weight);
  return scale;
}

}  // namespace sramsim
