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
constexpr int64_t kListBytes = 128 << 10;  ///< row lists of a block of pixels; half of it or less is touched
constexpr int kStripsPerThread = 4;        ///< at least, so that threads finish together
constexpr int kStripTiles = 16;            ///< what a strip costs beside its tiles, in lists of a tile

/// One thread's buffers.
struct Scratch {
  AlignedArray<int32_t> acc, sums;
  AlignedArray<uint16_t> lists;
  AlignedArray<int32_t> piece_rows;
  Extent block{};
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
    const Extent strip = choose_strip(choose_pixels(chunk * image_pixels, threads));
    // A read of a row run may touch the word behind the last pixel.
    const auto images = AlignedArray<uint8_t>::uninitialised(chunk * packed_.image_bytes() + 8);
    const std::vector<ScaledOutput> scaled = scaled_outputs(outputs);
    std::vector<Scratch> scratch;
    for (int k = 0; k < threads; ++k) scratch.push_back(make_scratch(strip));
#pragma omp parallel num_threads(threads)
    {
      if (shape_.padding > 0) {
#pragma omp for schedule(static)
        for (int image = 0; image < chunk; ++image)
          std::memset(images.get() + image * packed_.image_bytes(), 0, packed_.image_bytes());
      }
      for (int first = 0; first < n; first += chunk)
        run_chunk(q + int64_t{first} * shape_.inputs(), std::min(chunk, n - first), first, images.get(),
                  strip, scratch, scaled);
    }
  }

 private:
  /// Called by every thread of a team: images [first, first + count), whose codes are q.
  void run_chunk(const uint8_t* q, int count, int64_t first, uint8_t* images, Extent extent,
                 const std::vector<Scratch>& scratch, std::span<const ScaledOutput> outputs) const {
#pragma omp for schedule(static)
    for (int64_t row = 0; row < int64_t{count} * shape_.h; ++row) pack_row(q, row, images);
    const int64_t rows = int64_t{count} * shape_.out_h();
#pragma omp for schedule(dynamic) collapse(2)
    for (int64_t row = 0; row < rows; row += extent.rows)
      for (int column = 0; column < shape_.out_w(); column += extent.columns) {
        Strip strip = make_strip(scratch[omp_get_thread_num()], outputs);
        strip.extent.rows = static_cast<int>(std::min<int64_t>(extent.rows, rows - row));
        strip.extent.columns = std::min(extent.columns, shape_.out_w() - column);
        strip.row_pixels = shape_.out_w();
        strip.first_pixel = (first * shape_.out_h() + row) * strip.row_pixels + column;
        for (int y = 0; y < strip.extent.rows; ++y) strip.window[y] = window(images, row + y, column);
        engine_.convolve_strip(packed_.view(), strip);
      }
  }

  /// Output pixels of a strip.
  int choose_pixels(int64_t pixels, int threads) const {
    const int64_t acc_bytes = packed_.view().strip_acc * static_cast<int64_t>(sizeof(int32_t));
    const int64_t fit = kStripBytes / std::max<int64_t>(acc_bytes, 1);  // none if every code is 0
    const int64_t fair = pixels / (int64_t{threads} * kStripsPerThread);
    return static_cast<int>(std::clamp<int64_t>(std::min(fit, fair), 1, kMaxStrip));
  }

  /// Windows that overlap share lists: the nearer a strip is to a square, the fewer tiles an image has.
  Extent choose_strip(int pixels) const {
    const int height = shape_.out_h(), width = shape_.out_w();
    const auto cost = [&](Extent strip) {
      const Extent band{std::min(strip.rows, height), strip.columns};  // lists are not shared across images
      const int columns = (width + strip.columns - 1) / strip.columns;
      const int bands = (height + band.rows - 1) / band.rows;
      const double strips = strip.rows < height ? bands : static_cast<double>(height) / strip.rows;
      return columns * (static_cast<double>(bands * tiles(band)) + strips * kStripTiles);
    };
    Extent best{pixels, 1};
    for (int columns = 2; columns <= std::min(pixels, width); ++columns)
      for (int rows = 1; rows <= pixels / columns; ++rows)
        if (const Extent extent{rows, columns}; cost(extent) <= cost(best)) best = extent;
    return best;
  }

  int64_t tiles(Extent pixels) const {
    const Layer& layer = packed_.view();
    return int64_t{pixels.rows + layer.family_height - 1} * (pixels.columns + layer.family_width - 1);
  }

  /// Pixels whose row lists are made together, before their conversions.
  Extent choose_block(Extent block) const {
    const int64_t tile_bytes = packed_.view().tile_lists * static_cast<int64_t>(sizeof(uint16_t));
    while (tiles(block) * tile_bytes > kListBytes && block.rows * block.columns > 1) {
      int& side = block.rows > 1 ? block.rows : block.columns;
      side = (side + 1) / 2;
    }
    return block;
  }

  Scratch make_scratch(Extent strip) const {
    const Layer& layer = packed_.view();
    Scratch scratch;
    scratch.block = choose_block(strip);
    const int64_t pixels = int64_t{scratch.block.rows} * scratch.block.columns;
    scratch.acc = AlignedArray<int32_t>::uninitialised(strip.rows * strip.columns * layer.strip_acc);
    scratch.sums = AlignedArray<int32_t>::uninitialised(int64_t{layer.vectors} * kCells * engine_.lanes);
    scratch.lists = AlignedArray<uint16_t>::uninitialised(tiles(scratch.block) * layer.tile_lists);
    scratch.piece_rows = AlignedArray<int32_t>::uninitialised(pixels * packed_.max_pieces() * kMaxBits);
    return scratch;
  }

  Strip make_strip(const Scratch& scratch, std::span<const ScaledOutput> outputs) const {
    Strip strip{};
    strip.outputs = outputs.data();
    strip.acc = scratch.acc.get();
    strip.sums = scratch.sums.get();
    strip.block = scratch.block;
    strip.lists = scratch.lists.get();
    strip.piece_rows = scratch.piece_rows.get();
    return strip;
  }

  /// Packs one row of the images q [.,H,W,C]; the padding around them stays zero.
  void pack_row(const uint8_t* q, int64_t row, uint8_t* images) const {
    const Layer& layer = packed_.view();
    uint8_t* record = images + row / shape_.h * packed_.image_bytes() +
                      (row % shape_.h + shape_.padding) * packed_.row_bytes() +
                      shape_.padding * layer.pixel_bytes;
    const uint8_t* codes = q + row * shape_.w * shape_.c;
    for (int w = 0; w < shape_.w; ++w)
      engine_.pack_pixel(layer, codes + int64_t{w} * shape_.c, record + w * layer.pixel_bytes);
  }

  /// `row` counts the output rows of all images.
  const uint8_t* window(const uint8_t* images, int64_t row, int column) const {
    const Layer& layer = packed_.view();
    return images + row / shape_.out_h() * packed_.image_bytes() +
           (row % shape_.out_h() * packed_.row_bytes() + column * layer.pixel_bytes) * shape_.stride;
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
