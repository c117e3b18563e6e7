// Memory, recording, quantisers and the element-wise operations of the GPU backend.
#include "kernels/backend/cuda_backend.cuh"

#include <cstdlib>
#include <cstring>

#include "kernels/core/error.h"
#include "kernels/cuda/graph.h"
#include "kernels/cuda/profile_range.h"
#include "kernels/elementwise/elements.h"
#include "kernels/loss/loss_elements.h"
#include "kernels/pool/pool_elements.h"
#include "kernels/quantise/fold_elements.h"

namespace sramsim::cuda {

namespace {

/// A few bytes that travel as a kernel's arguments: the host need not wait for them.
struct StoreBytes {
  static constexpr const char* kName = "store_bytes";
  static constexpr size_t kMost = 64;
  unsigned char bytes[kMost];
  size_t count;
  unsigned char* to;
  size_t calls() const { return count; }
  SRAMSIM_HD void operator()(size_t i) const { to[i] = bytes[i]; }
};

class GraphRecording final : public Backend::Recording {
 public:
  GraphRecording(cudaStream_t stream, const std::function<void()>& work) : graph_(stream, work) {}
  void run() override { graph_.launch(); }

 private:
  Graph graph_;
};

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  SRAMSIM_CUDA_CALL(cudaDeviceGetAttribute, &value, which, device);
  return value;
}

}  // namespace

CurrentDevice::CurrentDevice(int index) {
  SRAMSIM_CUDA_CALL(cudaSetDevice, index);
}

CudaBackend::CudaBackend(const CudaDevice& device)
    : current_(device.index),
      queue_{stream_.get(), attribute(cudaDevAttrMultiProcessorCount, device.index)},
      pool_(stream_.get()) {
  int driver = 0;
  SRAMSIM_CUDA_CALL(cudaDriverGetVersion, &driver);
  name_ = device.name + ", compute capability " + std::to_string(device.major) + "." +
          std::to_string(device.minor) + ", driver for CUDA " + std::to_string(driver / 1000) + "." +
          std::to_string(driver % 1000 / 10);
}

CudaBackend::~CudaBackend() {
  ignore(cudaStreamSynchronize(stream_.get()));  // nothing may still use what goes now
}

std::string CudaBackend::describe() const {
  return "cuda (" + name_ + ")";
}

// --- memory and recording ----------------------------------------------------------------------------------

void* CudaBackend::allocate(size_t bytes) {
  return pool_.allocate(bytes);
}

void CudaBackend::release(void* data) noexcept {
  pool_.release(data);
}

void CudaBackend::upload(void* to, const void* from_host, size_t bytes) {
  if (bytes == 0) return;
  if (bytes <= StoreBytes::kMost) {
    StoreBytes store{{}, bytes, static_cast<unsigned char*>(to)};
    std::memcpy(store.bytes, from_host, bytes);
    return launch_elements(store, queue_);
  }
  SRAMSIM_CUDA_CALL(cudaMemcpyAsync, to, from_host, bytes, cudaMemcpyHostToDevice, stream_.get());
  stream_
      .synchronise();  // whether a copy from pageable memory is done with it on return depends on the system
}

void CudaBackend::download(void* to_host, const void* from, size_t bytes) {
  if (bytes == 0) return;
  SRAMSIM_CUDA_CALL(cudaMemcpyAsync, to_host, from, bytes, cudaMemcpyDeviceToHost, stream_.get());
  stream_.synchronise();
}

void CudaBackend::fill_zero(void* data, size_t bytes) {
  if (bytes > 0) SRAMSIM_CUDA_CALL(cudaMemsetAsync, data, 0, bytes, stream_.get());
}

void CudaBackend::synchronise() {
  stream_.synchronise();
}

void CudaBackend::trim() {
  pool_.trim();
}

std::unique_ptr<Backend::Recording> CudaBackend::record(const std::function<void()>& work,
                                                        std::string* reason) {
  const char* wanted = std::getenv("SRAMSIM_CUDA_GRAPH");
  if (wanted != nullptr && std::strcmp(wanted, "0") == 0) {
    *reason = "SRAMSIM_CUDA_GRAPH=0 is set";
    return nullptr;
  }
  scratch_.pin();
  try {
    return std::make_unique<GraphRecording>(stream_.get(), work);
  } catch (const RunError& e) {
    *reason = e.what();
    return nullptr;
  }
}

// --- quantisers --------------------------------------------------------------------------------------------

void CudaBackend::bytes_to_unit(const uint8_t* bytes, size_t count, float* x) {
  launch_elements(elements::BytesToUnit{bytes, count, x}, queue_);
}

void CudaBackend::quantise_activations(const float* x, size_t count, const float* alpha, int bits,
                                       uint8_t* q) {
  launch_elements(elements::QuantiseActivations{x, count, alpha, bits, q}, queue_);
}

void CudaBackend::quantise_activations_backward(const float* x, size_t count, const float* alpha,
                                                bool after_relu, float* grad, float* dalpha) {
  const size_t chunks = fold_chunks(count);
  auto* partial = scratch_.get<elements::Sum>(chunks);
  launch_fold(elements::MaskGradient{x, count, alpha, after_relu, grad, partial}, queue_);
  launch_elements(elements::AddSums{partial, chunks, dalpha}, queue_);
}

void CudaBackend::quantise_weights(const float* w, size_t count, int bits, int8_t* codes, float* scale) {
  const ProfileRange range("quantise_weights");
  const size_t chunks = fold_chunks(count);
  auto* bytes = scratch_.get<std::byte>(sizeof(elements::WeightStatistics) +
                                        chunks * (sizeof(elements::WeightSumState) + sizeof(elements::Sum)));
  auto* statistics = reinterpret_cast<elements::WeightStatistics*>(bytes);
  auto* sums = reinterpret_cast<elements::WeightSumState*>(bytes + sizeof(elements::WeightStatistics));
  auto* squares = reinterpret_cast<elements::Sum*>(sums + chunks);
  launch_fold(elements::SumWeights{w, count, sums}, queue_);
  launch_elements(elements::FinishSums{sums, chunks, count, statistics}, queue_);
  launch_fold(elements::SquaredDeviation{w, count, statistics, squares}, queue_);
  launch_elements(elements::FinishClip{squares, chunks, count, bits, statistics, scale}, queue_);
  launch_elements(elements::QuantiseWeights{w, count, statistics->clip, codes}, queue_);
}

// --- elementwise and pooling -------------------------------------------------------------------------------

void CudaBackend::relu_forward(const float* x, size_t count, float* y) {
  launch_elements(elements::Relu{x, count, y}, queue_);
}

void CudaBackend::relu_backward(const float* y, size_t count, float* grad) {
  launch_elements(elements::ReluBackward{y, count, grad}, queue_);
}

void CudaBackend::avg_pool_forward(const float* x, int n, int h, int w, int c, int size, float* y) {
  launch_elements(elements::AvgPool{{n, h, w, c, size}, x, y}, queue_);
}

void CudaBackend::avg_pool_backward(const float* dy, const float* relu_y, int n, int h, int w, int c,
                                    int size, float* dx) {
  launch_elements(elements::AvgPoolBackward{{n, h, w, c, size}, dy, relu_y, dx}, queue_);
}

void CudaBackend::max_pool_forward(const float* x, int n, int h, int w, int c, int size, float* y) {
  launch_elements(elements::MaxPool{{n, h, w, c, size}, x, y}, queue_);
}

void CudaBackend::max_pool_backward(const float* x, const float* dy, int n, int h, int w, int c, int size,
                                    float* dx) {
  launch_elements(elements::MaxPoolBackward{{n, h, w, c, size}, x, dy, dx}, queue_);
}

void CudaBackend::flatten_forward(const float* x, int n, int h, int w, int c, float* y) {
  launch_elements(elements::TransposeImages{x, n, int64_t{h} * w, c, y}, queue_);
}

void CudaBackend::flatten_backward(const float* dy, int n, int h, int w, int c, float* dx) {
  launch_elements(elements::TransposeImages{dy, n, c, int64_t{h} * w, dx}, queue_);
}

void CudaBackend::dropout(const float* x, size_t count, float p, const RandomKey& key, const uint64_t* step,
                          float* y) {
  launch_elements(elements::Dropout{x, count, dropout_threshold(p), 1.0f / (1.0f - p), key, step, y}, queue_);
}

void CudaBackend::gather_batch(const uint8_t* images, const uint8_t* labels, const int32_t* order,
                               int64_t first, int n, size_t pixels, uint8_t* to_images, uint8_t* to_labels) {
  launch_elements(elements::GatherImages{images, labels, order, first, n, pixels, to_images, to_labels},
                  queue_);
}

// --- losses and update -------------------------------------------------------------------------------------

void CudaBackend::softmax_cross_entropy(const float* logits, const uint8_t* labels, int n, int classes,
                                        float* loss, float* dlogits, int32_t* correct) {
  auto* rows = scratch_.get<elements::LossRow>(static_cast<size_t>(n));
  launch_elements(elements::LossRows<false>{logits, labels, n, classes, dlogits, rows}, queue_);
  launch_elements(elements::AddLossRows{rows, n, static_cast<double>(n), loss, correct}, queue_);
}

void CudaBackend::mse_one_hot(const float* logits, const uint8_t* labels, int n, int classes, float* loss,
                              float* dlogits, int32_t* correct) {
  auto* rows = scratch_.get<elements::LossRow>(static_cast<size_t>(n));
  launch_elements(elements::LossRows<true>{logits, labels, n, classes, dlogits, rows}, queue_);
  launch_elements(elements::AddLossRows{rows, n, static_cast<double>(n) * classes, loss, correct}, queue_);
}

void CudaBackend::sgd_step(float* w, const float* g, float* m, size_t count, float lr, float momentum,
                           float weight_decay) {
  launch_elements(elements::Sgd{w, g, m, count, lr, momentum, weight_decay}, queue_);
}

}  // namespace sramsim::cuda

namespace sramsim {

std::unique_ptr<Backend> make_cuda_backend(const CudaDevice& device) {
  return std::make_unique<cuda::CudaBackend>(device);
}

}  // namespace sramsim
