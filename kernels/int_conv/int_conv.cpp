#include "kernels/int_conv/int_conv.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "kernels/core/parallel.h"
#include "kernels/elementwise/loops.h"
#include "kernels/int_conv/direct.h"
#include "kernels/int_conv/onednn_int_conv.h"

namespace sramsim {
namespace {

template <typename T>
void deliver_sums(const T* acc, size_t count, double* s) {
  for (size_t i = 0; i < count; ++i) s[i] = static_cast<double>(acc[i]);
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
        const size_t count = acc.size(), at = static_cast<size_t>(row) * count;
        if (output.s) deliver_sums(acc.data(), count, output.s + at);
        if (output.y)
          elementwise_loops().scale_int(acc.data(), out_w, shape_.o, output.act_scale, output.weight_scale,
                                        output.bias, output.relu, output.y + at);
      }
    }
  }

 private:
  ConvShape shape_;
  std::vector<int32_t> weights_;  // [KH,KW,C,O]
};

/// oneDNN, with a primitive kept for every batch size and kind of output met.
class OneDnnPlan final : public IntConvPlan {
 public:
  OneDnnPlan(const ConvShape& shape, IntConvMethod method)
      : shape_(shape), method_(method), codes_(shape.weights()) {}

  void repack(const int8_t* codes) override {
    codes_.assign(codes, codes + shape_.weights());
    ++version_;
  }

  void run(const uint8_t* q, int n, const SramOutput& output) const override {
    thread_local onednn::Scratch scratch, sums;
    if (output.y) {
      const OneDnnIntConv& conv = primitive(n, {true, output.bias != nullptr, output.relu});
      conv.run_scaled(q, output, scratch.reserve(conv.scratch_bytes()));
    }
    if (!output.s) return;
    const OneDnnIntConv& conv = primitive(n, {});
    const auto count = static_cast<size_t>(n * shape_.outputs());
    void* acc = sums.reserve(count * sizeof(float));
    conv.run_sums(q, acc, scratch.reserve(conv.scratch_bytes()));
    parallel_chunks(count, [&](size_t begin, size_t end) {
      if (method_ == IntConvMethod::kInt8)
        deliver_sums(static_cast<const int32_t*>(acc) + begin, end - begin, output.s + begin);
      else
        deliver_sums(static_cast<const float*>(acc) + begin, end - begin, output.s + begin);
    });
  }

 private:
  struct Slot {
    std::unique_ptr<OneDnnIntConv> conv;
    uint64_t version = 0;  // of the weights it has packed
  };

  const OneDnnIntConv& primitive(int n, IntConvOutput output) const {
    const std::lock_guard lock(mutex_);
    Slot& slot = slots_[{n, output}];
    if (!slot.conv) slot.conv = std::make_unique<OneDnnIntConv>(shape_, n, method_, output);
    if (slot.version != version_) slot.conv->pack(codes_.data());
    slot.version = version_;
    return *slot.conv;
  }

  ConvShape shape_;
  IntConvMethod method_;
  std::vector<int8_t> codes_;
  uint64_t version_ = 0;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<int, IntConvOutput>, Slot> slots_;
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
