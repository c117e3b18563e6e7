// The seam: one method per operation, plain pointers into the backend's memory. The CPU implements it with
// oneDNN and own SIMD kernels, CUDA with cuDNN and own kernels. Arguments are checked once, in the callers'
// public functions.
//
// Layouts: activations [N,H,W,C]; weights and weight gradients [O,KH,KW,C] (files keep PyTorch's
// [O,C,KH,KW]). All pointers are to memory of this backend (allocate); a float* argument named *alpha or
// *scale points to one value there, so that a training step never waits for the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "kernels/conv_backward/conv_backward.h"
#include "kernels/core/conv_shape.h"
#include "kernels/core/philox.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim {

/// A quantised convolution's operands: activation codes, weight codes and the scales they were made with.
struct QuantConvArgs {
  ConvShape shape;
  int n = 0;
  const uint8_t* q = nullptr;        ///< [N,H,W,C]
  const int8_t* codes = nullptr;     ///< [O,KH,KW,C]
  const float* act_alpha = nullptr;  ///< act_scale = (2^act_bits - 1) / alpha
  int act_bits = 4;
  int weight_bits = 4;
  const float* weight_scale = nullptr;
  ConvBackward backward = ConvBackward::kAuto;  ///< how the gradients are formed
};

class Backend {
 public:
  virtual ~Backend() = default;

  /// "cpu (AVX-512, 2 threads)" or "cuda (NVIDIA H200, driver ...)".
  virtual std::string describe() const = 0;
  virtual std::string kind() const = 0;  ///< "cpu" or "cuda"

  // --- memory
  // ---------------------------------------------------------------------------------------------------
  virtual void* allocate(size_t bytes) = 0;  ///< 64-byte aligned; OutOfMemory when there is none
  virtual void release(void* data) noexcept = 0;
  /// The host's memory may be changed as soon as either returns.
  virtual void upload(void* to, const void* from_host, size_t bytes) = 0;
  virtual void download(void* to_host, const void* from, size_t bytes) = 0;
  virtual void fill_zero(void* data, size_t bytes) = 0;
  virtual void synchronise() = 0;
  /// Gives memory that was released but kept for reuse back to the system, as after OutOfMemory.
  virtual void trim() {}
  /// Images per step that keep this device busy, and memory that the outputs of one pass over a layer may
  /// take.
  virtual int preferred_batch() const = 0;
  virtual int64_t pass_bytes() const { return int64_t{256} << 20; }

  // --- repetition
  // ------------------------------------------------------------------------------------------------
  /// Work that can be repeated as a whole, on the same memory.
  class Recording {
   public:
    virtual ~Recording() = default;
    virtual void run() = 0;
  };
  /// Records what work() asks of this backend, without doing it. Null where that cannot be done, with the
  /// reason in *reason (empty: this backend records nothing): then call work() itself each time. Values that
  /// work() passes are frozen, memory is read anew by every run(). All memory that work() needs must have
  /// been taken, which calling work() once before does; it may neither upload more than a few bytes nor
  /// download.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& work, std::string* reason) {
    static_cast<void>(work);
    static_cast<void>(reason);
    return nullptr;
  }

  // --- quantisers (design 2.1)
  // -------------------------------------------------------------------------------------
  /// x = byte / 255.
  virtual void bytes_to_unit(const uint8_t* bytes, size_t count, float* x) = 0;
  /// q = round_half_even(min(max(x,0), alpha) * (2^bits - 1)/alpha).
  virtual void quantise_activations(const float* x, size_t count, const float* alpha, int bits,
                                    uint8_t* q) = 0;
  /// Straight-through: grad *= (0 <= x <= alpha), or (0 < x <= alpha) if a ReLU stands before the quantiser
  /// (`after_relu`: x is the ReLU's output); dalpha += sum of grad where x >= alpha.
  virtual void quantise_activations_backward(const float* x, size_t count, const float* alpha,
                                             bool after_relu, float* grad, float* dalpha) = 0;
  /// SAWB-style statistics, codes and scale = n/alpha of one weight tensor.
  virtual void quantise_weights(const float* w, size_t count, int bits, int8_t* codes, float* scale) = 0;

  // --- quantised convolution and linear layers
  // -------------------------------------------------------------------
  /// The exact integer convolution, scaled by layer_output(); bias [O] may be null. y [N,OH,OW,O].
  virtual void quant_conv_forward(const QuantConvArgs& args, const float* bias, bool relu, float* y) = 0;
  /// dy [N,OH,OW,O] -> dx [N,H,W,C] (skipped if null), dw [O,KH,KW,C], dbias [O] (skipped if null).
  virtual void quant_conv_backward(const QuantConvArgs& args, const float* dy, float* dx, float* dw,
                                   float* dbias) = 0;

  // --- elementwise and pooling
  // -----------------------------------------------------------------------------------
  virtual void relu_forward(const float* x, size_t count, float* y) = 0;
  virtual void relu_backward(const float* y, size_t count, float* grad) = 0;  ///< grad *= (y > 0)
  /// size x size windows, stride = size; trailing rows and columns that fill no window are dropped (as in
  /// PyTorch).
  virtual void avg_pool_forward(const float* x, int n, int h, int w, int c, int size, float* y) = 0;
  /// With relu_y (the pool's input [N,H,W,C], a ReLU's output) dx is also masked by relu_y > 0, in one pass.
  virtual void avg_pool_backward(const float* dy, const float* relu_y, int n, int h, int w, int c, int size,
                                 float* dx) = 0;
  virtual void max_pool_forward(const float* x, int n, int h, int w, int c, int size, float* y) = 0;
  virtual void max_pool_backward(const float* x, const float* dy, int n, int h, int w, int c, int size,
                                 float* dx) = 0;
  /// [N,H,W,C] -> [N,C*H*W] in PyTorch's (c,h,w) order, and back.
  virtual void flatten_forward(const float* x, int n, int h, int w, int c, float* y) = 0;
  virtual void flatten_backward(const float* dy, int n, int h, int w, int c, float* dx) = 0;
  /// y = x * keep/(1-p); the same call on the gradient is the backward pass. *step, if given, is added to
  /// key.step: memory of this backend, so that a recorded step draws anew.
  virtual void dropout(const float* x, size_t count, float p, const RandomKey& key, const uint64_t* step,
                       float* y) = 0;

  /// Batch of a data set in this backend's memory, images [count,pixels], labels [count]: image and label
  /// order[first + i] go to place i < n.
  virtual void gather_batch(const uint8_t* images, const uint8_t* labels, const int32_t* order, int64_t first,
                            int n, size_t pixels, uint8_t* to_images, uint8_t* to_labels) = 0;

  // --- losses and update
  // --------------------------------------------------------------------------------------------
  /// Mean loss over the batch is added to *loss, its gradient goes to dlogits (null: not asked for),
  /// *correct += argmax hits. All pointers are this backend's memory.
  virtual void softmax_cross_entropy(const float* logits, const uint8_t* labels, int n, int classes,
                                     float* loss, float* dlogits, int32_t* correct) = 0;
  virtual void mse_one_hot(const float* logits, const uint8_t* labels, int n, int classes, float* loss,
                           float* dlogits, int32_t* correct) = 0;
  /// PyTorch's SGD: g += wd*w; m = momentum*m + g; w -= lr*m (first step: m = g).
  virtual void sgd_step(float* w, const float* g, float* m, size_t count, float lr, float momentum,
                        float weight_decay) = 0;

  // --- SRAM convolution
  // ---------------------------------------------------------------------------------------------
  /// `codes` is host memory; the plan's run() takes pointers of this backend.
  virtual std::unique_ptr<SramConvPlan> plan_sram_conv(const SramConvSpec& spec, const int8_t* codes,
                                                       const std::string& force, std::string* chosen) = 0;
};

/// `threads` = 0: as many as OpenMP offers.
std::unique_ptr<Backend> make_cpu_backend(int threads = 0);
/// device: "auto", "cpu", "cuda" or "cuda:N" (the Nth usable device). `auto` takes the first usable GPU, else
/// the CPU (*note, if given, says why); InputError for another word, RunError with the reason if "cuda" is
/// asked for and none is usable.
std::unique_ptr<Backend> make_backend(const std::string& device, int threads = 0,
                                      std::string* note = nullptr);

/// Usable devices of a kind ("cpu": 1; "cuda": 0 in a build without it).
int device_count(const std::string& kind);

/// Owning, move-only array in a backend's memory.
template <typename T>
class DeviceArray {
 public:
  DeviceArray() = default;
  DeviceArray(Backend& backend, size_t count)
      : backend_(&backend), data_(static_cast<T*>(backend.allocate(count * sizeof(T)))), count_(count) {}
  DeviceArray(DeviceArray&& other) noexcept { swap(other); }
  DeviceArray& operator=(DeviceArray&& other) noexcept {
    swap(other);
    return *this;
  }
  ~DeviceArray() {
    if (data_) backend_->release(data_);
  }
  T* data() const { return data_; }
  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  void upload(const T* host) { backend_->upload(data_, host, count_ * sizeof(T)); }
  void download(T* host) const { backend_->download(host, data_, count_ * sizeof(T)); }
  void zero() { backend_->fill_zero(data_, count_ * sizeof(T)); }

 private:
  void swap(DeviceArray& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
  }
  Backend* backend_ = nullptr;
  T* data_ = nullptr;
  size_t count_ = 0;
};

}  // namespace sramsim
