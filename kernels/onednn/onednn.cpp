#include "kernels/onednn/onednn.h"

#include <unordered_map>

#include "kernels/core/error.h"

namespace sramsim::onednn {

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

dnnl::stream& stream() {
  thread_local dnnl::stream own(engine());
  return own;
}

namespace {
// The enumerators are bit masks of features: a set that contains another's bits contains its instructions.
bool isa_contains(dnnl::cpu_isa wanted) {
  const auto have = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto bits = static_cast<unsigned>(wanted);
  return (have & bits) == bits;
}
}  // namespace

bool has_vnni() {
  return isa_contains(dnnl::cpu_isa::avx512_core_vnni) || isa_contains(dnnl::cpu_isa::avx2_vnni);
}

bool has_matrix_unit() {
  return isa_contains(dnnl::cpu_isa::avx512_core_amx);
}

bool has_bf16() {
  return isa_contains(dnnl::cpu_isa::avx512_core_bf16);
}

dnnl::memory::dims input_dims(const ConvShape& s, int n) {
  return {n, s.c, s.h, s.w};
}
dnnl::memory::dims weight_dims(const ConvShape& s) {
  return {s.o, s.c, s.kh, s.kw};
}
dnnl::memory::dims output_dims(const ConvShape& s, int n) {
  return {n, s.o, s.out_h(), s.out_w()};
}

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

dnnl::memory view(const dnnl::memory::desc& desc, const void* data) {
  return {desc, engine(), const_cast<void*>(data)};
}

void execute(const dnnl::primitive& primitive, const std::unordered_map<int, dnnl::memory>& arguments) {
  try {
    primitive.execute(stream(), arguments);
    stream().wait();
  } catch (const dnnl::error& e) {
    throw RunError(std::string("oneDNN: ") + e.what());
  }
}

}  // namespace sramsim::onednn
