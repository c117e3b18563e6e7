// The CPU behind the seam: oneDNN for convolutions, own SIMD loops for the rest.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "kernels/backend/backend.h"
#include "kernels/int_conv/int_conv.h"

namespace sramsim {

class CpuBackend : public Backend {
 public:
  explicit CpuBackend(int threads);

  std::string describe() const override;
  std::string kind() const override { return "cpu"; }

  /// Few enough for activations to stay in a large cache between two layers, enough for threads to share.
  int preferred_batch() const override { return std::clamp(8 * threads_, 16, 64); }

  void* allocate(size_t bytes) override;
  void release(void* data) noexcept override;
  void upload(void* to, const void* from_host, size_t bytes) override;
  void download(void* to_host, const void* from, size_t bytes) override;
  void fill_zero(void* data, size_t bytes) override;
  void synchronise() override {}

  void bytes_to_unit(const uint8_t* bytes, size_t count, float* x) override;
  void quantise_activations(const float* x, size_t count, const float* alpha, int bits, uint8_t* q) override;
  void quantise_activations_backward(const float* x, size_t count, const float* alpha, bool after_relu,
                                     float* grad, float* dalpha) override;
  void quantise_weights(const float* w, size_t count, int bits, int8_t* codes, float* scale) override;

  void quant_conv_forward(const QuantConvArgs& args, const float* bias, bool relu, float* y) override;
  void quant_conv_backward(const QuantConvArgs& args, const float* dy, float* dx, float* dw,
                           float* dbias) override;

  void relu_forward(const float* x, size_t count, float* y) override;
  void relu_backward(const float* y, size_t count, float* grad) override;
  void avg_pool_forward(const float* x, int n, int h, int w, int c, int size, float* y) override;
  void avg_pool_backward(const float* dy, const float* relu_y, int n, int h, int w, int c, int size,
                         float* dx) override;
  void max_pool_forward(const float* x, int n, int h, int w, int c, int size, float* y) override;
  void max_pool_backward(const float* x, const float* dy, int n, int h, int w, int c, int size,
                         float* dx) override;
  void flatten_forward(const float* x, int n, int h, int w, int c, float* y) override;
  void flatten_backward(const float* dy, int n, int h, int w, int c, float* dx) override;
  void dropout(const float* x, size_t count, float p, const RandomKey& key, const uint64_t* step,
               float* y) override;
  void gather_batch(const uint8_t* images, const uint8_t* labels, const int32_t* order, int64_t first, int n,
                    size_t pixels, uint8_t* to_images, uint8_t* to_labels) override;

  void softmax_cross_entropy(const float* logits, const uint8_t* labels, int n, int classes, float* loss,
                             float* dlogits, int32_t* correct) override;
  void mse_one_hot(const float* logits, const uint8_t* labels, int n, int classes, float* loss,
                   float* dlogits, int32_t* correct) override;
  void sgd_step(float* w, const float* g, float* m, size_t count, float lr, float momentum,
                float weight_decay) override;

  std::unique_ptr<SramConvPlan> plan_sram_conv(const SramConvSpec& spec, const int8_t* codes,
                                               const std::string& force, std::string* chosen) override;

 private:
  /// Shape, widths, batch size and algorithm: what a cached plan was made for.
  using PlanKey = std::array<int, 12>;

  int threads_;
  std::vector<double> partial_;  // scratch of reductions
  std::map<PlanKey, std::unique_ptr<IntConvPlan>> forward_plans_;
  std::map<PlanKey, std::unique_ptr<ConvBackwardPlan>> backward_plans_;
};

}  // namespace sramsim
