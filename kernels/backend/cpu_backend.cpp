#include "kernels/backend/cpu_backend.h"

#include <omp.h>

#include <cstdlib>
#include <cstring>

#include "kernels/core/cpu_features.h"
#include "kernels/core/elementwise.h"
#include "kernels/core/error.h"
#include "kernels/core/parallel.h"
#include "kernels/core/quantise.h"
#include "kernels/elementwise/loops.h"
#include "kernels/loss/loss.h"
#include "kernels/pool/pool.h"
#include "kernels/quantise/weights.h"

namespace sramsim {

CpuBackend::CpuBackend(int threads) {
  if (threads > 0) omp_set_num_threads(threads);
  threads_ = omp_get_max_threads();
}

std::string CpuBackend::describe() const {
  const std::string set = elementwise_loops().name;
  std::string name = set == "avx512" ? "AVX-512" : set == "avx2" ? "AVX2" : "portable";
  if (cpu_has_amx()) name += " with AMX";
  return "cpu (" + name + ", " + std::to_string(threads_) + (threads_ == 1 ? " thread)" : " threads)");
}

// --- memory ------------------------------------------------------------------------------------------------

void* CpuBackend::allocate(size_t bytes) {
  void* data = std::aligned_alloc(64, (bytes + 63) / 64 * 64 + (bytes == 0 ? 64 : 0));
  if (!data) throw OutOfMemory("out of memory: " + std::to_string(bytes >> 20) + " MiB cannot be allocated");
  return data;
}

void CpuBackend::release(void* data) noexcept {
  std::free(data);
}

void CpuBackend::upload(void* to, const void* from_host, size_t bytes) {
  if (bytes > 0) std::memcpy(to, from_host, bytes);
}

void CpuBackend::download(void* to_host, const void* from, size_t bytes) {
  if (bytes > 0) std::memcpy(to_host, from, bytes);
}

void CpuBackend::fill_zero(void* data, size_t bytes) {
  if (bytes > 0) std::memset(data, 0, bytes);
}

// --- quantisers --------------------------------------------------------------------------------------------

void CpuBackend::bytes_to_unit(const uint8_t* bytes, size_t count, float* x) {
  parallel_chunks(count, [&](size_t begin, size_t end) {
    elementwise_loops().bytes_to_unit(bytes + begin, end - begin, x + begin);
  });
}

void CpuBackend::quantise_activations(const float* x, size_t count, const float* alpha, int bits,
                                      uint8_t* q) {
  const float scale = act_scale_of(*alpha, bits);
  parallel_chunks(count, [&](size_t begin, size_t end) {
    elementwise_loops().quantise_activations(x + begin, end - begin, *alpha, scale, q + begin);
  });
}

void CpuBackend::quantise_activations_backward(const float* x, size_t count, const float* alpha,
                                               bool after_relu, float* grad, float* dalpha) {
  *dalpha += static_cast<float>(parallel_sum(count, partial_, [&](size_t begin, size_t end) {
    return elementwise_loops().quantise_activations_backward(x + begin, end - begin, *alpha, after_relu,
                                                             grad + begin);
  }));
}

void CpuBackend::quantise_weights(const float* w, size_t count, int bits, int8_t* codes, float* scale) {
  quantise_weight_tensor(w, count, bits, codes, scale, partial_);
}

// --- quantised convolution
// -----------------------------------------------------------------------------------

namespace {

std::array<int, 12> plan_key(const QuantConvArgs& a, int extra) {
  const ConvShape& s = a.shape;
  return {s.c, s.h, s.w, s.o, s.kh, s.kw, s.stride, s.padding, a.act_bits, a.weight_bits, extra, 0};
}

}  // namespace

void CpuBackend::quant_conv_forward(const QuantConvArgs& a, const float* bias, bool relu, float* y) {
  auto& plan = forward_plans_[plan_key(a, 0)];
  if (!plan) plan = plan_int_conv(a.shape, (1 << a.act_bits) - 1, /*max_code=*/1 << (a.weight_bits - 1));
  plan->repack(a.codes);
  SramOutput output;
  output.y = y;
  output.act_scale = act_scale_of(*a.act_alpha, a.act_bits);
  output.weight_scale = *a.weight_scale;
  output.bias = bias;
  output.relu = relu;
  plan->run(a.q, a.n, output);
}

void CpuBackend::quant_conv_backward(const QuantConvArgs& a, const float* dy, float* dx, float* dw,
                                     float* dbias) {
  PlanKey key = plan_key(a, a.n);
  key.back() = static_cast<int>(a.backward);
  auto& plan = backward_plans_[key];
  if (!plan) plan = plan_conv_backward(a.shape, a.n, a.backward);
  plan->run(a.q, a.codes, act_scale_of(*a.act_alpha, a.act_bits), *a.weight_scale, dy, dx, dw);
  if (!dbias) return;
  const int o = a.shape.o;
  partial_.assign(o, 0.0);
  elementwise_loops().column_sums(dy, static_cast<size_t>(a.n) * a.shape.out_h() * a.shape.out_w(), o,
                                  partial_.data());
  for (int k = 0; k < o; ++k) dbias[k] = static_cast<float>(partial_[k]);
}

// --- elementwise and pooling
// -----------------------------------------------------------------------------------

void CpuBackend::relu_forward(const float* x, size_t count, float* y) {
  parallel_chunks(
      count, [&](size_t begin, size_t end) { elementwise_loops().relu(x + begin, end - begin, y + begin); });
}

void CpuBackend::relu_backward(const float* y, size_t count, float* grad) {
  parallel_chunks(count, [&](size_t begin, size_t end) {
    elementwise_loops().relu_backward(y + begin, end - begin, grad + begin);
  });
}

void CpuBackend::avg_pool_forward(const float* x, int n, int h, int w, int c, int size, float* y) {
  avg_pool({n, h, w, c, size}, x, y);
}

void CpuBackend::avg_pool_backward(const float* dy, const float* relu_y, int n, int h, int w, int c, int size,
                                   float* dx) {
  sramsim::avg_pool_backward({n, h, w, c, size}, dy, relu_y, dx);
}

void CpuBackend::max_pool_forward(const float* x, int n, int h, int w, int c, int size, float* y) {
  max_pool({n, h, w, c, size}, x, y);
}

void CpuBackend::max_pool_backward(const float* x, const float* dy, int n, int h, int w, int c, int size,
                                   float* dx) {
  sramsim::max_pool_backward({n, h, w, c, size}, x, dy, dx);
}

namespace {

/// to [images, cols, rows] = from [images, rows, cols].
void transpose_images(const float* from, int images, int64_t rows, int64_t cols, float* to) {
#pragma omp parallel for schedule(static)
  for (int i = 0; i < images; ++i)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < cols; ++c) to[(i * cols + c) * rows + r] = from[(i * rows + r) * cols + c];
}

}  // namespace

void CpuBackend::flatten_forward(const float* x, int n, int h, int w, int c, float* y) {
  transpose_images(x, n, int64_t{h} * w, c, y);
}

void CpuBackend::flatten_backward(const float* dy, int n, int h, int w, int c, float* dx) {
  transpose_images(dy, n, c, int64_t{h} * w, dx);
}

void CpuBackend::dropout(const float* x, size_t count, float p, const RandomKey& key, const uint64_t* step,
                         float* y) {
  RandomKey now = key;
  if (step) now.step += *step;
  const uint64_t threshold = dropout_threshold(p);
  parallel_chunks(count, [&](size_t begin, size_t end) {
    elementwise_loops().dropout(x + begin, begin, end - begin, threshold, 1.0f / (1.0f - p), now, y + begin);
  });
}

void CpuBackend::gather_batch(const uint8_t* images, const uint8_t* labels, const int32_t* order,
                              int64_t first, int n, size_t pixels, uint8_t* to_images, uint8_t* to_labels) {
  for (int i = 0; i < n; ++i) {
    const auto from = static_cast<size_t>(order[first + i]);
    std::memcpy(to_images + static_cast<size_t>(i) * pixels, images + from * pixels, pixels);
    to_labels[i] = labels[from];
  }
}

// --- losses and update
// -----------------------------------------------------------------------------------------

void CpuBackend::softmax_cross_entropy(const float* logits, const uint8_t* labels, int n, int classes,
                                       float* loss, float* dlogits, int32_t* correct) {
  softmax_cross_entropy_batch(logits, labels, n, classes, loss, dlogits, correct);
}

void CpuBackend::mse_one_hot(const float* logits, const uint8_t* labels, int n, int classes, float* loss,
                             float* dlogits, int32_t* correct) {
  mse_one_hot_batch(logits, labels, n, classes, loss, dlogits, correct);
}

void CpuBackend::sgd_step(float* w, const float* g, float* m, size_t count, float lr, float momentum,
                          float weight_decay) {
  parallel_chunks(count, [&](size_t begin, size_t end) {
    elementwise_loops().sgd(w + begin, g + begin, m + begin, end - begin, lr, momentum, weight_decay);
  });
}

std::unique_ptr<SramConvPlan> CpuBackend::plan_sram_conv(const SramConvSpec& spec, const int8_t* codes,
                                                         const std::string& force, std::string* chosen) {
  return sramsim::plan_sram_conv(spec, codes, force, chosen);
}

}  // namespace sramsim
