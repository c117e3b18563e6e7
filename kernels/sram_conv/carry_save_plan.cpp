// The variants built on the carry-save kernels: packs activations, cuts the output pixels into strips, runs
// them on all threads. Compiled for any machine; the kernels are reached through an Engine.
#include <omp.h>

#include <algorithm>
#include <cstring>

#include "kernels/core/cpu_features.h"
#include "kernels/sram_conv/carry_save_layer.h"
#include "kernels/sram_conv/variants.h"

namespace sramsim {
namespace carry_save {
namespace {

constexpr int64_t kPackedBytes = 1 << 20;  ///< packed activations kept at a time: about a second-level cache
constexpr int64_t kStripBytes = 16 << 10;  ///< accumulators of a strip: a third of a first-level cache
constexpr int64_t kListBytes = 24 << 10;   ///< row lists of a block of pixels; about half of it is touched
constexpr int kStripsPerThread = 4;        ///< at least, so that threads finish together

/// One thread's buffers.
struct Scratch {
  AlignedArray<int32_t> acc, sums;
  AlignedArray<uint16_t> lists;
  AlignedArray<int32_t> piece_rows;
};

class Plan final : public SramConvPlan {
 public:
  Plan(const SramConvSpec& spec, const int8_t* codes, const Engine& engine)
      : engine_(engine), shape_(spec.shape), packed_(spec, codes, engine) {}

  void run(const uint8_t* q, int n, std::span<const SramOutput> outputs) const override {
    if (n == 0) return;
    const int threads = omp_get_max_threads();
    const int64_t image_pixels = int64_t{shape_.out_h()} * shape_.out_w();
    const int chunk = static_cast<int>(std::clamp<int64_t>(kPackedBytes / packed_.image_bytes(), 1, n));
    const int strip_pixels = choose_strip(chunk * image_pixels, threads);
    // A read of a row run may touch the word behind the last pixel.
    const auto images = AlignedArray<uint8_t>::uninitialised(chunk * packed_.image_bytes() + 8);
    std::vector<Scratch> scratch;
    for (int k = 0; k < threads; ++k) scratch.push_back(make_scratch(strip_pixels));
#pragma omp parallel num_threads(threads)
    {
      if (shape_.padding > 0) {
#pragma omp for schedule(static)
        for (int image = 0; image < chunk; ++image)
          std::memset(images.get() + image * packed_.image_bytes(), 0, packed_.image_bytes());
      }
      for (int first = 0; first < n; first += chunk)
        run_chunk(q + int64_t{first} * shape_.inputs(), std::min(chunk, n - first), first, images.get(),
                  strip_pixels, scratch, outputs);
    }
  }

 private:
  /// Called by every thread of a team: images [first, first + count), whose codes are q.
  void run_chunk(const uint8_t* q, int count, int64_t first, uint8_t* images, int strip_pixels,
                 const std::vector<Scratch>& scratch, std::span<const SramOutput> outputs) const {
#pragma omp for schedule(static)
    for (int64_t row = 0; row < int64_t{count} * shape_.h; ++row) pack_row(q, row, images);
    const int64_t image_pixels = int64_t{shape_.out_h()} * shape_.out_w();
    const int64_t pixels = count * image_pixels;
#pragma omp for schedule(dynamic)
    for (int64_t pixel = 0; pixel < pixels; pixel += strip_pixels) {
      Strip strip = make_strip(scratch[omp_get_thread_num()], outputs);
      strip.first_pixel = first * image_pixels + pixel;
      strip.pixels = static_cast<int>(std::min<int64_t>(strip_pixels, pixels - pixel));
      for (int x = 0; x < strip.pixels; ++x) strip.window[x] = window(images, pixel + x);
      engine_.convolve_strip(packed_.view(), strip);
    }
  }

  int choose_strip(int64_t pixels, int threads) const {
    const int64_t acc_bytes = packed_.view().strip_acc * static_cast<int64_t>(sizeof(int32_t));
    const int64_t fit = kStripBytes / std::max<int64_t>(acc_bytes, 1);  // none if every code is 0
    const int64_t fair = pixels / (int64_t{threads} * kStripsPerThread);
    return static_cast<int>(std::clamp<int64_t>(std::min(fit, fair), 1, kMaxStrip));
  }

  /// Pixels whose row lists are made together, before their conversions.
  int block_pixels() const {
    const int64_t bytes = packed_.view().tile_lists * static_cast<int64_t>(sizeof(uint16_t));
    return static_cast<int>(std::clamp<int64_t>(kListBytes / bytes, 1, kMaxStrip));
  }

  Scratch make_scratch(int strip_pixels) const {
    const Layer& layer = packed_.view();
    return {AlignedArray<int32_t>(strip_pixels * layer.strip_acc),
            AlignedArray<int32_t>(int64_t{layer.vectors} * kCells * engine_.lanes),
            AlignedArray<uint16_t>(int64_t{block_pixels() + layer.longest_family - 1} * layer.tile_lists),
            AlignedArray<int32_t>(int64_t{block_pixels()} * packed_.max_pieces() * kMaxBits)};
  }

  Strip make_strip(const Scratch& scratch, std::span<const SramOutput> outputs) const {
    Strip strip{};
    strip.outputs = outputs.data();
    strip.acc = scratch.acc.get();
    strip.sums = scratch.sums.get();
    strip.block_pixels = block_pixels();
    strip.lists = scratch.lists.get();
    strip.piece_rows = scratch.piece_rows.get();
    return strip;
  }

  /// Packs one row of the images q [.,H,W,C]; the padding around them stays zero.
  void pack_row(const uint8_t* q, int64_t row, uint8_t* images) const {
    const int64_t pixel_bytes = packed_.view().pixel_bytes;
    const int64_t row_pixels = shape_.w + 2 * int64_t{shape_.padding};
    uint8_t* record = images + row / shape_.h * packed_.image_bytes() +
                      ((row % shape_.h + shape_.padding) * row_pixels + shape_.padding) * pixel_bytes;
    const uint8_t* codes = q + row * shape_.w * shape_.c;
    for (int w = 0; w < shape_.w; ++w)
      engine_.pack_pixel(packed_.view(), codes + int64_t{w} * shape_.c, record + w * pixel_bytes);
  }

  const uint8_t* window(const uint8_t* images, int64_t pixel) const {
    const int64_t image_pixels = int64_t{shape_.out_h()} * shape_.out_w();
    const int64_t oh = pixel % image_pixels / shape_.out_w(), ow = pixel % shape_.out_w();
    const int64_t row_pixels = shape_.w + 2 * int64_t{shape_.padding};
    return images + pixel / image_pixels * packed_.image_bytes() +
           (oh * row_pixels + ow) * shape_.stride * packed_.view().pixel_bytes;
  }

  const Engine& engine_;
  ConvShape shape_;
  PackedLayer packed_;
};

/// Offsets within a window, and partial sums, must fit the kernel's integers.
std::string too_large(const SramConvSpec& spec) {
  const int64_t pixel_bytes = 24 + int64_t{spec.act_bits} * ((spec.shape.c + 7) / 8);
  const int64_t window_pixels = spec.shape.kh * (spec.shape.w + 2 * int64_t{spec.shape.padding});
  if (window_pixels * pixel_bytes > INT32_MAX) return "a window spans more than 2 GiB of activations";
  if (spec.p_max() > kMaxPartialSum)
    return "partial sums reach " + std::to_string(spec.p_max()) + ", above " + std::to_string(kMaxPartialSum);
  return "";
}

}  // namespace
}  // namespace carry_save

SramConvVariant sram_conv_avx512() {
  using namespace carry_save;
  return {"avx512", "carry-save counters over 512 columns, table look-up by byte permutes",
          [](const SramConvSpec& spec) -> std::string {
            if (!kAvx512Engine) return "this build has no AVX-512 code";
            if (!cpu_has_avx512()) return "this processor lacks AVX-512 with VBMI2, VNNI, VPOPCNTDQ and GFNI";
            return too_large(spec);
          },
          [](const SramConvSpec& spec, const int8_t* codes) -> std::unique_ptr<SramConvPlan> {
            return std::make_unique<Plan>(spec, codes, *kAvx512Engine);
          }};
}

SramConvVariant sram_conv_avx2() {
  using namespace carry_save;
  return {"avx2",
          "carry-save counters over 256 columns, converter as multiplication where it equals the table",
          [](const SramConvSpec& spec) -> std::string {
            if (!kAvx2Engine) return "this build has no AVX2 code";
            if (!cpu_has_avx2()) return "this processor lacks AVX2 with FMA, BMI2 and POPCNT";
            return too_large(spec);
          },
          [](const SramConvSpec& spec, const int8_t* codes) -> std::unique_ptr<SramConvPlan> {
            return std::make_unique<Plan>(spec, codes, *kAvx2Engine);
          }};
}

}  // namespace sramsim
