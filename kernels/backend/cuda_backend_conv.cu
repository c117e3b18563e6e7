// Convolutions of the GPU backend: plans, kept by shape and batch size.
#include "kernels/backend/cuda_backend.cuh"
#include "kernels/conv_backward/column_elements.h"
#include "kernels/cuda/profile_range.h"
#include "kernels/elementwise/elements.h"

namespace sramsim::cuda {
namespace {

/// The layer with converters that lose nothing: one group of all rows, every partial sum its own code. Its
/// plan is the exact integer convolution by u8 x s8 tensor cores with 32-bit sums.
SramConvSpec lossless_spec(const QuantConvArgs& a) {
  SramConvSpec spec;
  spec.shape = a.shape;
  spec.act_bits = a.act_bits;
  spec.weight_bits = a.weight_bits;
  spec.rows.subarray_rows = a.shape.rows();
  for (int position = 0; position < a.shape.positions(); ++position)
    spec.rows.segments.push_back({position, 0, a.shape.c});
  spec.rows.group_begin = {0, a.shape.positions()};
  AdcTable table;
  for (uint32_t p = 0; p <= spec.p_max(); ++p) table.code.push_back(p);
  table.max_code = table.p_max();
  spec.adcs = {table};
  return spec;
}

std::array<int, 12> plan_key(const QuantConvArgs& a, int extra) {
  const ConvShape& s = a.shape;
  return {s.c, s.h, s.w, s.o, s.kh, s.kw, s.stride, s.padding, a.act_bits, a.weight_bits, a.n, extra};
}

}  // namespace

SramConvCudaPlan& CudaBackend::forward_plan(const QuantConvArgs& a) {
  auto& plan = forward_plans_[plan_key(a, 0)];
  if (!plan) {
    const std::vector<int8_t> unknown(static_cast<size_t>(a.shape.weights()));  // repacked before every use
    plan = plan_sram_conv_cuda(lossless_spec(a), unknown.data(), {.stream = stream_.get()});
    plan->reserve(a.n);
  }
  return *plan;
}

ConvBackwardCuda& CudaBackend::backward_plan(const QuantConvArgs& a) {
  auto& plan = backward_plans_[plan_key(a, static_cast<int>(a.backward))];
  if (!plan) {
    if (!blas_) {  // inference never loads the libraries' kernels
      blas_.emplace(stream_.get());
      dnn_ = make_dnn(queue_);
    }
    plan = plan_conv_backward_cuda(a.shape, a.n, a.backward, *blas_, dnn_, queue_);
  }
  return *plan;
}

void CudaBackend::quant_conv_forward(const QuantConvArgs& a, const float* bias, bool relu, float* y) {
  const ProfileRange range("conv_forward");
  SramConvCudaPlan& plan = forward_plan(a);
  plan.repack(a.codes);
  SramOutput sums;  // both scales are 1: y receives the sums, rounded to float as layer_output() does first
  sums.y = y;
  plan.run(a.q, a.n, {&sums, 1});
  const size_t count = static_cast<size_t>(a.n) * static_cast<size_t>(a.shape.outputs());
  launch_elements(
      elements::ScaleSums{count, a.shape.o, a.act_alpha, a.act_bits, a.weight_scale, bias, relu, y}, queue_);
}

void CudaBackend::quant_conv_backward(const QuantConvArgs& a, const float* dy, float* dx, float* dw,
                                      float* dbias) {
  const ProfileRange range("conv_backward");
  backward_plan(a).run({a.q, a.codes, a.act_alpha, a.act_bits, a.weight_scale, dy, dx, dw});
  if (dbias == nullptr) return;
  const int64_t pixels = int64_t{a.n} * a.shape.out_h() * a.shape.out_w();
  elements::PartialColumnSums sums{dy, pixels, a.shape.o, nullptr};
  sums.partial = scratch_.get<double>(sums.calls());
  launch_elements(sums, queue_);
  launch_elements(elements::AddColumnSums{sums.partial, sums.runs(), a.shape.o, dbias}, queue_);
}

std::unique_ptr<SramConvPlan> CudaBackend::plan_sram_conv(const SramConvSpec& spec, const int8_t* codes,
                                                          const std::string& force, std::string* chosen) {
  auto plan = plan_sram_conv_cuda(spec, codes, {.stream = stream_.get(), .force = force});
  if (chosen != nullptr) *chosen = plan->name();
  return plan;
}

}  // namespace sramsim::cuda
