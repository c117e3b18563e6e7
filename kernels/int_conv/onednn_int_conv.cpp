#include "kernels/int_conv/onednn_int_conv.h"

#include <unordered_map>
#include <vector>

#include "kernels/core/parallel.h"
#include "kernels/elementwise/loops.h"
#include "kernels/int_conv/direct.h"

namespace sramsim {
namespace {

using dnnl::memory;

size_t aligned(size_t bytes) {
  return (bytes + 63) / 64 * 64;
}

memory::desc one_value() {
  return {{1, 1, 1, 1}, memory::data_type::f32, memory::format_tag::nchw};
}
memory::desc one_per_channel(const ConvShape& shape) {
  return {{1, shape.o, 1, 1}, memory::data_type::f32, memory::format_tag::nchw};
}

/// layer_output() in its order of operations; a sum becomes the nearest float first.
dnnl::primitive_attr attributes(const ConvShape& shape, IntConvOutput output) {
  dnnl::primitive_attr attr = onednn::user_scratchpad();
  if (!output.scaled) return attr;
  dnnl::post_ops steps;
  steps.append_binary(dnnl::algorithm::binary_div, one_value());
  steps.append_binary(dnnl::algorithm::binary_div, one_value());
  if (output.bias) steps.append_binary(dnnl::algorithm::binary_add, one_per_channel(shape));
  if (output.relu) steps.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
  attr.set_post_ops(steps);
  return attr;
}

}  // namespace

IntConvMethod choose_int_conv(const ConvShape& shape, int max_q, int max_code) {
  if (onednn::has_vnni()) return IntConvMethod::kInt8;
  if (shape.rows() <= kDirectRows) return IntConvMethod::kDirect;
  if (2 * max_q * max_code <= 32767) return IntConvMethod::kInt8;
  return int64_t{max_q} * max_code * shape.rows() < (1 << 24) ? IntConvMethod::kFloat
                                                              : IntConvMethod::kDirect;
}

OneDnnIntConv::OneDnnIntConv(const ConvShape& shape, int n, IntConvMethod method, IntConvOutput output)
    : shape_(shape), n_(n), method_(method), output_(output) {
  const bool int8 = method == IntConvMethod::kInt8;
  const auto src_type = int8 ? memory::data_type::u8 : memory::data_type::f32;
  const auto weight_type = int8 ? memory::data_type::s8 : memory::data_type::f32;
  const auto out_type = int8 && !output.scaled ? memory::data_type::s32 : memory::data_type::f32;
  const memory::dims strides{shape.stride, shape.stride}, padding{shape.padding, shape.padding};
  // Trailing rows and columns that no window reaches become negative padding.
  const memory::dims padding_end{(shape.out_h() - 1) * shape.stride + shape.kh - shape.h - shape.padding,
                                 (shape.out_w() - 1) * shape.stride + shape.kw - shape.w - shape.padding};
  desc_ = dnnl::convolution_forward::primitive_desc(
      {dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
       memory::desc(onednn::input_dims(shape, n), src_type, memory::format_tag::nhwc),
       memory::desc(onednn::weight_dims(shape), weight_type, memory::format_tag::any),
       memory::desc(onednn::output_dims(shape, n), out_type, memory::format_tag::nhwc), strides, padding,
       padding_end},
      attributes(shape, output), onednn::engine());
  conv_ = dnnl::convolution_forward(desc_);
  weights_ = memory(desc_.weights_desc(), onednn::engine());
}

void OneDnnIntConv::pack(const int8_t* codes) {
  const memory::desc plain(onednn::weight_dims(shape_), memory::data_type::s8, memory::format_tag::ohwi);
  auto from = onednn::view(plain, codes);
  dnnl::reorder(from, weights_).execute(onednn::stream(), from, weights_);
  onednn::stream().wait();
}

size_t OneDnnIntConv::scratch_bytes() const {
  const size_t floats = method_ == IntConvMethod::kFloat ? static_cast<size_t>(n_) * shape_.inputs() : 0;
  return aligned(desc_.scratchpad_desc().get_size()) + floats * sizeof(float);
}

void OneDnnIntConv::run(const uint8_t* q, void* to, void* scratch, const SramOutput* scaling) const {
  const void* src = q;
  if (method_ == IntConvMethod::kFloat) {
    auto* x =
        reinterpret_cast<float*>(static_cast<char*>(scratch) + aligned(desc_.scratchpad_desc().get_size()));
    parallel_chunks(static_cast<size_t>(n_) * shape_.inputs(), [&](size_t begin, size_t end) {
      elementwise_loops().codes_to_float(q + begin, end - begin, x + begin);
    });
    src = x;
  }
  std::unordered_map<int, memory> arguments{
      {DNNL_ARG_SRC, onednn::view(desc_.src_desc(), src)},
      {DNNL_ARG_WEIGHTS, weights_},
      {DNNL_ARG_DST, onednn::view(desc_.dst_desc(), to)},
      {DNNL_ARG_SCRATCHPAD, onednn::view(desc_.scratchpad_desc(), scratch)}};
  if (scaling) {
    int step = 0;
    const auto operand = [&](const memory::desc& desc, const float* values) {
      arguments.emplace(DNNL_ARG_ATTR_MULTIPLE_POST_OP(step++) | DNNL_ARG_SRC_1, onednn::view(desc, values));
    };
    operand(one_value(), &scaling->act_scale);
    operand(one_value(), &scaling->weight_scale);
    if (output_.bias) operand(one_per_channel(shape_), scaling->bias);
  }
  onednn::execute(conv_, arguments);
}

}  // namespace sramsim
