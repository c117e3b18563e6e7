// oneDNN backward convolutions. Operands are converted once per step into the primitives' type, and into
// their layout where they do not work on channels-last memory (Winograd).
#include "kernels/conv_backward/plans.h"
#include "kernels/core/parallel.h"
#include "kernels/core/scratch_bytes.h"
#include "kernels/elementwise/loops.h"
#include "kernels/onednn/onednn.h"

namespace sramsim {
namespace {

using dnnl::memory;
using onednn::execute;
using onednn::view;

/// A tensor as the caller has it (`plain`) and as a primitive wants it; the same memory where they agree.
struct Operand {
  memory plain, native;

  Operand() = default;
  Operand(const memory::desc& plain_desc, const memory::desc& native_desc)
      : plain(plain_desc, onednn::engine()),
        native(plain_desc == native_desc ? plain : memory(native_desc, onednn::engine())) {}
  bool reordered() const { return plain.get() != native.get(); }
  void to_native() {
    if (reordered()) dnnl::reorder(plain, native).execute(onednn::stream(), plain, native);
  }
  template <typename T>
  T* data() const {
    return static_cast<T*>(plain.get_data_handle());
  }
};

class OneDnnBackward final : public ConvBackwardPlan {
 public:
  OneDnnBackward(const ConvShape& shape, int n, ConvBackward algorithm)
      : shape_(shape), n_(n), algorithm_(algorithm) {
    const bool winograd = algorithm == ConvBackward::kWinograd;
    const auto kind = winograd ? dnnl::algorithm::convolution_winograd : dnnl::algorithm::convolution_direct;
    const auto type = algorithm == ConvBackward::kBf16 ? memory::data_type::bf16 : memory::data_type::f32;
    const auto nhwc = memory::format_tag::nhwc, any = memory::format_tag::any;
    const auto layout = winograd ? any : nhwc;
    const auto in = onednn::input_dims(shape, n), w = onednn::weight_dims(shape),
               out = onednn::output_dims(shape, n);
    const memory::dims strides{shape.stride, shape.stride}, padding{shape.padding, shape.padding};
    const memory::dims padding_end{(shape.out_h() - 1) * shape.stride + shape.kh - shape.h - shape.padding,
                                   (shape.out_w() - 1) * shape.stride + shape.kw - shape.w - shape.padding};
    const auto attr = onednn::user_scratchpad();
    const memory::desc src(in, type, layout), weights(w, type, any), dst(out, type, layout);
    const memory::desc d_src(in, memory::data_type::f32, layout), d_weights(w, memory::data_type::f32, any);
    const auto& engine = onednn::engine();

    const dnnl::convolution_forward::primitive_desc hint(
        {dnnl::prop_kind::forward_training, kind, src, weights, dst, strides, padding, padding_end}, engine);
    data_ = {{kind, d_src, weights, dst, strides, padding, padding_end}, attr, engine, hint};
    weights_ = {{kind, src, d_weights, dst, strides, padding, padding_end}, attr, engine, hint};
    data_primitive_ = dnnl::convolution_backward_data(data_);
    weights_primitive_ = dnnl::convolution_backward_weights(weights_);

    x_ = Operand({in, type, nhwc}, weights_.src_desc());
    dy_ = Operand({out, type, nhwc}, data_.diff_dst_desc());
    if (weights_.diff_dst_desc() != data_.diff_dst_desc())
      dy_for_weights_ = memory(weights_.diff_dst_desc(), engine);
    c_ = memory(data_.weights_desc(), engine);
    dw_ = Operand({w, memory::data_type::f32, memory::format_tag::ohwi}, weights_.diff_weights_desc());
    if (data_.diff_src_desc() != memory::desc(in, memory::data_type::f32, nhwc))
      dx_ = memory(data_.diff_src_desc(), engine);
  }

  const char* algorithm() const override {
    return algorithm_ == ConvBackward::kBf16       ? "bf16"
           : algorithm_ == ConvBackward::kWinograd ? "winograd"
                                                   : "direct";
  }

  void run(const uint8_t* q, const int8_t* codes, float act_scale, float weight_scale, const float* dy,
           float* dx, float* dw) override {
    convert_gradient(dy, 1.0f / weight_scale);
    convert_codes(q);
    if (dx) backward_data(codes, dx);
    backward_weights(weight_scale / act_scale, dw);
  }

 private:
  void convert_gradient(const float* dy, float factor) {
    const auto& loops = elementwise_loops();
    parallel_chunks(static_cast<size_t>(n_) * shape_.outputs(), [&](size_t begin, size_t end) {
      if (algorithm_ == ConvBackward::kBf16)
        loops.to_bf16(dy + begin, end - begin, factor, dy_.data<uint16_t>() + begin);
      else
        loops.multiply(dy + begin, end - begin, factor, dy_.data<float>() + begin);
    });
    dy_.to_native();
    if (dy_for_weights_)
      dnnl::reorder(dy_.plain, dy_for_weights_).execute(onednn::stream(), dy_.plain, dy_for_weights_);
  }

  void convert_codes(const uint8_t* q) {
    const auto& loops = elementwise_loops();
    parallel_chunks(static_cast<size_t>(n_) * shape_.inputs(), [&](size_t begin, size_t end) {
      if (algorithm_ == ConvBackward::kBf16)
        loops.codes_to_bf16(q + begin, end - begin, x_.data<uint16_t>() + begin);
      else
        loops.codes_to_float(q + begin, end - begin, x_.data<float>() + begin);
    });
    x_.to_native();
  }

  void backward_data(const int8_t* codes, float* dx) {
    const memory::desc plain_codes(onednn::weight_dims(shape_), memory::data_type::s8,
                                   memory::format_tag::ohwi);
    auto from = view(plain_codes, codes);
    dnnl::reorder(from, c_).execute(onednn::stream(), from, c_);
    const memory::desc plain_dx(onednn::input_dims(shape_, n_), memory::data_type::f32,
                                memory::format_tag::nhwc);
    auto target = view(plain_dx, dx);
    memory result = dx_ ? dx_ : target;
    execute(data_primitive_, {{DNNL_ARG_DIFF_DST, dy_.native},
                              {DNNL_ARG_WEIGHTS, c_},
                              {DNNL_ARG_DIFF_SRC, result},
                              {DNNL_ARG_SCRATCHPAD, scratch(data_.scratchpad_desc())}});
    if (dx_) dnnl::reorder(dx_, target).execute(onednn::stream(), dx_, target);
  }

  void backward_weights(float factor, float* dw) {
    execute(weights_primitive_, {{DNNL_ARG_DIFF_DST, dy_for_weights_ ? dy_for_weights_ : dy_.native},
                                 {DNNL_ARG_SRC, x_.native},
                                 {DNNL_ARG_DIFF_WEIGHTS, dw_.native},
                                 {DNNL_ARG_SCRATCHPAD, scratch(weights_.scratchpad_desc())}});
    if (dw_.reordered())
      dnnl::reorder(dw_.native, dw_.plain).execute(onednn::stream(), dw_.native, dw_.plain);
    onednn::stream().wait();
    elementwise_loops().multiply(dw_.data<float>(), static_cast<size_t>(shape_.weights()), factor, dw);
  }

  memory scratch(const memory::desc& desc) { return view(desc, scratch_.reserve(desc.get_size())); }

  ConvShape shape_;
  int n_;
  ConvBackward algorithm_;
  dnnl::convolution_backward_data::primitive_desc data_;
  dnnl::convolution_backward_weights::primitive_desc weights_;
  dnnl::convolution_backward_data data_primitive_;
  dnnl::convolution_backward_weights weights_primitive_;
  Operand x_, dy_, dw_;
  memory dy_for_weights_, c_, dx_;  // empty where no reorder is needed
  ScratchBytes scratch_;
};

}  // namespace

std::unique_ptr<ConvBackwardPlan> make_onednn_backward(const ConvShape& shape, int n,
                                                       ConvBackward algorithm) {
  try {
    return std::make_unique<OneDnnBackward>(shape, n, algorithm);
  } catch (const dnnl::error& e) {
    if (e.status == dnnl_unimplemented || e.status == dnnl_invalid_arguments) return nullptr;
    throw;
  }
}

}  // namespace sramsim
