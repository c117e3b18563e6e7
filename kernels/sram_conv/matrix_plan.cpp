// The variant built on the matrix unit: cuts the windows of all images into strips of blocks of 16 and runs
// them on all threads. Compiled for any machine; the kernel is reached through a pointer.
#include <omp.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "kernels/core/cpu_features.h"
#include "kernels/core/division.h"
#include "kernels/core/object_pool.h"
#include "kernels/sram_conv/matrix_layer.h"
#include "kernels/sram_conv/variants.h"

namespace sramsim {
namespace matrix_unit {
namespace {

constexpr int kStripsPerThread = 4;  ///< at least, so that threads finish together

/// One thread's buffers.
struct Scratch {
  AlignedArray<uint8_t> activations;
  AlignedArray<int32_t> window_sums, acc, sums;
};

class Plan final : public SramConvPlan {
 public:
  Plan(const SramConvSpec& spec, const int8_t* codes) : packed_(spec, codes) {}

  void run(const uint8_t* q, int n, std::span<const SramOutput> outputs) const override {
    if (n == 0) return;
    const Layer& layer = packed_.view();
    const int threads = omp_get_max_threads();
    const int64_t pixels = int64_t{n} * layer.out_h * layer.out_w;
    const std::vector<ScaledOutput> scaled = scaled_outputs(outputs);
    const Cut cut = choose_cut(pixels, threads);
    const int64_t strip_pixels = int64_t{cut.blocks} * kWindows;
    const auto scratch = pool_.lease();
    while (scratch->size() < static_cast<size_t>(threads)) scratch->push_back(make_scratch());
#pragma omp parallel for num_threads(threads) schedule(dynamic) collapse(2)
    for (int64_t first = 0; first < pixels; first += strip_pixels)
      for (int channels = 0; channels < packed_.channel_blocks(); channels += cut.channel_blocks) {
        const Scratch& own = (*scratch)[omp_get_thread_num()];
        Strip strip{};
        strip.q = q;
        strip.first_pixel = first;
        strip.end_pixel = std::min(first + strip_pixels, pixels);
        strip.first_channel_block = channels;
        strip.end_channel_block = std::min(channels + cut.channel_blocks, packed_.channel_blocks());
        strip.outputs = scaled.data();
        strip.activations = own.activations.get();
        strip.window_sums = own.window_sums.get();
        strip.acc = own.acc.get();
        strip.sums = own.sums.get();
        kAmxConvolveStrip(layer, strip);
      }
  }

 private:
  /// Blocks and channel blocks of a strip.
  struct Cut {
    int blocks, channel_blocks;
  };
  /// A strip that meets all channels gathers its windows once; few images leave too few of those.
  Cut choose_cut(int64_t pixels, int threads) const {
    const int64_t strips = int64_t{threads} * kStripsPerThread, blocks = ceil_div<int64_t>(pixels, kWindows);
    const int64_t together = std::clamp<int64_t>(blocks / strips, 1, packed_.view().strip_blocks);
    const int64_t parts = std::clamp<int64_t>(strips * together / blocks, 1, packed_.channel_blocks());
    return {static_cast<int>(together), static_cast<int>(ceil_div<int64_t>(packed_.channel_blocks(), parts))};
  }

  Scratch make_scratch() const {
    const int blocks = packed_.view().strip_blocks;
    const int64_t windows = int64_t{blocks} * kWindows;
    Scratch scratch;
    scratch.activations = AlignedArray<uint8_t>::uninitialised(packed_.activation_bytes(blocks));
    scratch.window_sums = AlignedArray<int32_t>::uninitialised(windows);
    const int64_t elements = packed_.view().converter_count * windows * kChannels;
    scratch.acc = AlignedArray<int32_t>::uninitialised(elements);
    if (packed_.view().pass_count > 1) scratch.sums = AlignedArray<int32_t>::uninitialised(elements);
    return scratch;
  }

  PackedLayer packed_;
  mutable ObjectPool<std::vector<Scratch>> pool_;  // a run has one buffer a thread
};

/// What stands in where the weights do not fit.
class CarrySavePlan final : public SramConvPlan {
 public:
  CarrySavePlan(const SramConvSpec& spec, const int8_t* codes)
      : plan_(sram_conv_avx512().make(spec, codes)) {}
  void run(const uint8_t* q, int n, std::span<const SramOutput> outputs) const override {
    plan_->run(q, n, outputs);
  }
  std::string describe() const override { return "avx512, because all 128 rows of some column store a 1"; }

 private:
  std::unique_ptr<SramConvPlan> plan_;
};

std::string refuses(const SramConvSpec& spec) {
  if (!kAmxConvolveStrip) return "this build has no AMX code";
  if (!cpu_has_amx())
    return "this processor or operating system lacks AMX, or AVX-512 with what the kernel needs";
  return PackedLayer::refuses(spec);
}

std::unique_ptr<SramConvPlan> make(const SramConvSpec& spec, const int8_t* codes) {
  if (!PackedLayer::fits(spec, codes)) return std::make_unique<CarrySavePlan>(spec, codes);
  return std::make_unique<Plan>(spec, codes);
}

}  // namespace
}  // namespace matrix_unit

bool matrix_unit_fits(const SramConvSpec& spec, const int8_t* codes) {
  return matrix_unit::PackedLayer::fits(spec, codes);
}

SramConvVariant sram_conv_amx() {
  return {"amx", "partial sums as products of bytes that hold two activation bits, whatever bits are set",
          matrix_unit::refuses, matrix_unit::make};
}

}  // namespace sramsim
