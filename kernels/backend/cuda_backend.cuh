// The GPU behind the seam: one stream, own kernels for everything but the float gradients of convolutions,
// which cuDNN and cuBLAS form. Every result but those and the exponentials of the cross-entropy has the CPU's
// bits: element-wise functions are shared, integer sums are exact, and reductions add in the CPU's order
// (chunk_fold.cuh).
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "kernels/backend/cuda_backend.h"
#include "kernels/conv_backward/conv_backward_cuda.h"
#include "kernels/cuda/memory_pool.h"
#include "kernels/cuda/scratch.h"
#include "kernels/cuda/stream.h"
#include "kernels/sram_conv/sram_conv_cuda.h"

namespace sramsim::cuda {

/// Makes a device current before the members that live on it.
struct CurrentDevice {
  explicit CurrentDevice(int index);
};

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(const CudaDevice& device);
  ~CudaBackend() override;

  std::string describe() const override;
  std::string kind() const override { return "cuda"; }

  void* allocate(size_t bytes) override;
  void release(void* data) noexcept override;
  void upload(void* to, const void* from_host, size_t bytes) override;
  void download(void* to_host, const void* from, size_t bytes) override;
  void fill_zero(void* data, size_t bytes) override;
  void synchronise() override;
  void trim() override;
  int preferred_batch() const override { return 512; }  // several waves of tiles on the largest devices
  int64_t pass_bytes() const override { return int64_t{2} << 30; }
  std::unique_ptr<Recording> record(const std::function<void()>& work, std::string* reason) override;

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

  SramConvCudaPlan& forward_plan(const QuantConvArgs& args);
  ConvBackwardCuda& backward_plan(const QuantConvArgs& args);

  CurrentDevice current_;
  std::string name_;
  Stream stream_;
  Queue queue_;
  MemoryPool pool_;
  Scratch scratch_;  ///< of reductions
  std::optional<Blas> blas_;
  std::shared_ptr<Dnn> dnn_;
  std::map<PlanKey, std::unique_ptr<SramConvCudaPlan>> forward_plans_;
  std::map<PlanKey, std::unique_ptr<ConvBackwardCuda>> backward_plans_;
};

}  // namespace sramsim::cuda
