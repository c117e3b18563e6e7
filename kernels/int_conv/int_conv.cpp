#include "kernels/int_conv/int_conv.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "kernels/core/division.h"
#include "kernels/core/parallel.h"
#include "kernels/core/scratch_bytes.h"
#include "kernels/int_conv/deliver.h"
#include "kernels/int_conv/direct.h"
#include "kernels/int_conv/nonzero_plan.h"
#include "kernels/int_conv/onednn_int_conv.h"

namespace sramsim {
namespace {

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
    const int out_h = shape_.out_h();
    const ScaledOutput scaled = scaled_output(output);
#pragma omp parallel
    {
      thread_local std::vector<int32_t> acc;
      acc.resize(static_cast<size_t>(shape_.out_w()) * shape_.o);
#pragma omp for schedule(static)
      for (int64_t row = 0; row < int64_t{n} * out_h; ++row) {
        const uint8_t* image = q + row / out_h * shape_.inputs();
        loops.forward_row(shape_, image, weights_.data(), static_cast<int>(row % out_h), acc.data());
        deliver_row(shape_, acc.data(), row, scaled);
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

  const int8_t* codes() const { return codes_.data(); }  ///< of the last repack()
  void repack(const int8_t* codes) override {
    codes_.assign(codes, codes + shape_.weights());
    ++version_;
  }

  void run(const uint8_t* q, int n, const SramOutput& output) const override {
    thread_local ScratchBytes scratch, sums;
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

/// Shares of nonzero codes at which their convolution takes as long as oneDNN's of all codes, by what oneDNN
/// multiplies with, if lists were free; a list costs as much as so many codes. (bench/ops_bench, also with
/// ONEDNN_MAX_CPU_ISA.)
constexpr double kShareMatrixUnit = 0.085, kShareVnni = 0.2, kShareOther = 0.45;
constexpr double kListCodes = 7.0;

double largest_share(const ConvShape& shape) {
  const double share = onednn::has_matrix_unit() ? kShareMatrixUnit
                       : onednn::has_vnni()      ? kShareVnni
                                                 : kShareOther;
  return (share - kListCodes / shape.c) * shape.o / round_up(shape.o, kNonzeroVector);
}

/// Whether run() may be worth a look at the codes: weights serve several windows, sums of 16 bits hold many
/// products.
bool nonzero_conv_may_pay(const ConvShape& shape, IntConvMethod method, int max_q, int max_code) {
  constexpr int kWindows = 16, kProducts = 64;
  return method == IntConvMethod::kInt8 && nonzero_conv_fits(shape, max_q, max_code) &&
         shape.out_h() * int64_t{shape.out_w()} >= kWindows && kProducts * max_q * max_code <= INT16_MAX &&
         largest_share(shape) > 0;
}

/// Each run() by oneDNN or over the nonzero codes, whichever is faster; sums are the same.
class ByZerosPlan final : public IntConvPlan {
 public:
  ByZerosPlan(const ConvShape& shape, IntConvMethod method, int max_code)
      : shape_(shape), all_(shape, method), nonzero_(shape, max_code), largest_share_(largest_share(shape)) {}

  void repack(const int8_t* codes) override {
    all_.repack(codes);
    nonzero_packed_ = false;
  }

  void run(const uint8_t* q, int n, const SramOutput& output) const override {
    if (nonzero_share(q, n * shape_.inputs()) > largest_share_) return all_.run(q, n, output);
    pack_nonzero();
    nonzero_.run(q, n, output);
  }

 private:
  /// Many plans never need these weights; training replaces them in every step.
  void pack_nonzero() const {
    const std::lock_guard lock(mutex_);
    if (!nonzero_packed_) nonzero_.repack(all_.codes());
    nonzero_packed_ = true;
  }

  ConvShape shape_;
  OneDnnPlan all_;
  mutable std::mutex mutex_;
  mutable NonzeroConvPlan nonzero_;
  mutable bool nonzero_packed_ = false;
  double largest_share_;
};

}  // namespace

std::unique_ptr<IntConvPlan> plan_int_conv(const ConvShape& shape, int max_q, int max_code) {
  const IntConvMethod method = choose_int_conv(shape, max_q, max_code);
  if (method == IntConvMethod::kDirect) return std::make_unique<DirectPlan>(shape);
  if (nonzero_conv_may_pay(shape, method, max_q, max_code))
    return std::make_unique<ByZerosPlan>(shape, method, max_code);
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
