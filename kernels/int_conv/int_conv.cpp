#include "kernels/int_conv/int_conv.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "kernels/core/parallel.h"
#include "kernels/elementwise/loops.h"
#include "kernels/int_conv/direct.h"
#include "kernels/int_conv/onednn_int_conv.h"

namespace sramsim {
namespace {

/// Turns the accumulators of `pixels` output pixels into what the caller asked for.
template <typename T>
void deliver(const T* acc, size_t first_pixel, size_t pixels, int o, const SramOutput& out) {
  if (out.s) {
    double* s = out.s + first_pixel * o;
    for (size_t i = 0; i < pixels * o; ++i) s[i] = static_cast<double>(acc[i]);
  }
  if (!out.y) return;
  float* y = out.y + first_pixel * o;
  const auto& loops = elementwise_loops();
  if constexpr (std::is_same_v<T, int32_t>)
    loops.scale_int(acc, pixels, o, out.act_scale, out.weight_scale, out.bias, out.relu, y);
  else
    loops.scale_float(acc, pixels, o, out.act_scale, out.weight_scale, out.bias, out.relu, y);
}

/// Own loops, one output row at a time: the accumulators stay in the cache and are delivered from there.
class DirectPlan final : public IntConvPlan {
 public:
  explicit DirectPlan(const ConvShape& shape) : shape_(shape), weights_(shape.weights()) {}

  void repack(const int8_t* codes) override {
    for (int o = 0; o < shape_.o; ++o)
      for (int r = 0; r < shape_.rows(); ++r)
        weights_[static_cast<size_t>(r) * shape_.o + o] = codes[static_cast<size_t>(o) * shape_.rows() + r];
  }

  void run(const uint8_t* q, int n, const SramOutput& output) const override {
    const auto& loops = direct_conv_loops();
    const int out_h = shape_.out_h(), out_w = shape_.out_w();
    const int64_t rows = int64_t{n} * out_h;
#pragma omp parallel
    {
      thread_local std::vector<int32_t> acc;
      acc.resize(static_cast<size_t>(out_w) * shape_.o);
#pragma omp for schedule(static)
      for (int64_t row = 0; row < rows; ++row) {
        const uint8_t* image = q + row / out_h * shape_.inputs();
        loops.forward_row(shape_, image, weights_.data(), static_cast<int>(row % out_h), acc.data());
        deliver(acc.data(), static_cast<size_t>(row) * out_w, out_w, shape_.o, output);
      }
    }
  }

 private:
  ConvShape shape_;
  std::vector<int32_t> weights_;  // [KH,KW,C,O]
};

/// oneDNN, with a primitive kept for every batch size met.
class OneDnnPlan final : public IntConvPlan {
 public:
  OneDnnPlan(const ConvShape& shape, IntConvMethod method)
      : shape_(shape), method_(method), codes_(shape.weights()) {}

  void repack(const int8_t* codes) override {
    codes_.assign(codes, codes + shape_.weights());
    ++version_;
  }

  void run(const uint8_t* q, int n, const SramOutput& output) const override {
    const OneDnnIntConv& conv = primitive(n);
    const size_t pixels = static_cast<size_t>(n) * shape_.out_h() * shape_.out_w();
    thread_local onednn::Scratch scratch, sums;
    // The sums are formed in the memory of y where they fit: one buffer less to travel through the cache.
    void* acc = output.y ? static_cast<void*>(output.y) : sums.reserve(pixels * shape_.o * sizeof(float));
    conv.run(q, acc, scratch.reserve(conv.scratch_bytes()));
    const size_t chunk = std::max<size_t>(1, kChunk / shape_.o);
    parallel_chunks(
        pixels,
        [&](size_t begin, size_t end) {
          const size_t at = begin * shape_.o;
          if (method_ == IntConvMethod::kInt8)
            deliver(static_cast<const int32_t*>(acc) + at, begin, end - begin, shape_.o, output);
          else
            deliver(static_cast<const float*>(acc) + at, begin, end - begin, shape_.o, output);
        },
        chunk);
  }

 private:
  struct Slot {
    std::unique_ptr<OneDnnIntConv> conv;
    uint64_t version = 0;  // of the weights it has packed
  };

  const OneDnnIntConv& primitive(int n) const {
    const std::lock_guard lock(mutex_);
    Slot& slot = slots_[n];
    if (!slot.conv) slot.conv = std::make_unique<OneDnnIntConv>(shape_, n, method_);
    if (slot.version != version_) slot.conv->pack(codes_.data());
    slot.version = version_;
    return *slot.conv;
  }

  ConvShape shape_;
  IntConvMethod method_;
  std::vector<int8_t> codes_;
  uint64_t version_ = 0;
  mutable std::mutex mutex_;
  mutable std::map<int, Slot> slots_;
};

}  // namespace

std::unique_ptr<IntConvPlan> plan_int_conv(const ConvShape& shape, int max_q, int max_code) {
  const IntConvMethod method = choose_int_conv(shape, max_q, max_code);
  if (method == IntConvMethod::kDirect) return std::make_unique<DirectPlan>(shape);
  return std::make_unique<OneDnnPlan>(shape, method);
}

std::unique_ptr<IntConvPlan> plan_int_conv(const ConvShape& shape, int max_q, const int8_t* codes) {
  int max_code = 0;
  for (int64_t i = 0; i < shape.weights(); ++i) max_code = std::max(max_code, std::abs(int{codes[i]}));
  auto plan = plan_int_conv(shape, max_q, max_code);
  plan->repack(codes);
  return plan;
}

}  // namespace sramsim
