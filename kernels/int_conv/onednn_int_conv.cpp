#include "kernels/int_conv/onednn_int_conv.h"

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

}  // namespace

IntConvMethod choose_int_conv(const ConvShape& shape, int max_q, int max_code) {
  if (shape.rows() <= kDirectRows) return IntConvMethod::kDirect;
  if (onednn::has_vnni() || 2 * max_q * max_code <= 32767) return IntConvMethod::kInt8;
  return int64_t{max_q} * max_code * shape.rows() < (1 << 24) ? IntConvMethod::kFloat
                                                              : IntConvMethod::kDirect;
}

OneDnnIntConv::OneDnnIntConv(const ConvShape& shape, int n, IntConvMethod method)
    : shape_(shape), n_(n), method_(method) {
  const bool int8 = method == IntConvMethod::kInt8;
  const auto src_type = int8 ? memory::data_type::u8 : memory::data_type::f32;
  const auto weight_type = int8 ? memory::data_type::s8 : memory::data_type::f32;
  const auto acc_type = int8 ? memory::data_type::s32 : memory::data_type::f32;
  const memory::dims strides{shape.stride, shape.stride}, padding{shape.padding, shape.padding};
  // Trailing rows and columns that no window reaches become negative padding.
  const memory::dims padding_end{(shape.out_h() - 1) * shape.stride + shape.kh - shape.h - shape.padding,
                                 (shape.out_w() - 1) * shape.stride + shape.kw - shape.w - shape.padding};
  desc_ = dnnl::convolution_forward::primitive_desc(
      {dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
       memory::desc(onednn::input_dims(shape, n), src_type, memory::format_tag::nhwc),
       memory::desc(onednn::weight_dims(shape), weight_type, memory::format_tag::any),
       memory::desc(onednn::output_dims(shape, n), acc_type, memory::format_tag::nhwc), strides, padding,
       padding_end},
      onednn::user_scratchpad(), onednn::engine());
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

void OneDnnIntConv::run(const uint8_t* q, void* acc, void* scratch) const {
  const void* src = q;
  if (method_ == IntConvMethod::kFloat) {
    auto* x =
        reinterpret_cast<float*>(static_cast<char*>(scratch) + aligned(desc_.scratchpad_desc().get_size()));
    parallel_chunks(static_cast<size_t>(n_) * shape_.inputs(), [&](size_t begin, size_t end) {
      elementwise_loops().codes_to_float(q + begin, end - begin, x + begin);
    });
    src = x;
  }
  onednn::execute(conv_, {{DNNL_ARG_SRC, onednn::view(desc_.src_desc(), src)},
                          {DNNL_ARG_WEIGHTS, weights_},
                          {DNNL_ARG_DST, onednn::view(desc_.dst_desc(), acc)},
                          {DNNL_ARG_SCRATCHPAD, onednn::view(desc_.scratchpad_desc(), scratch)}});
}

}  // namespace sramsim
