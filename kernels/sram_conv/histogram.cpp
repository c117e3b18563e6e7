// Exact histogram of all partial sums, on the bit-sliced counters of the portable variant.
#include <algorithm>

#include "kernels/core/error.h"
#include "kernels/sram_conv/bit_sliced.h"

namespace sramsim {
namespace {

/// Counts of one thread. Neighbouring lanes go to different copies: equal partial sums in a row would else
/// wait for each other's increment.
class Counts {
 public:
  explicit Counts(size_t values) : values_(values), counts_(values * kCopies) {}

  template <typename P>
  void add(const P* p, int lanes) {
    int lane = 0;
    for (; lane + kCopies <= lanes; lane += kCopies)
      for (int k = 0; k < kCopies; ++k) ++counts_[size_t{p[lane + k]} * kCopies + k];
    for (; lane < lanes; ++lane) ++counts_[size_t{p[lane]} * kCopies];
  }
  void add_zeros(uint64_t lanes) { counts_[0] += lanes; }

  void add_to(std::span<uint64_t> total) const {
    for (size_t v = 0; v < values_; ++v)
      for (int k = 0; k < kCopies; ++k) total[v] += counts_[v * kCopies + k];
  }

 private:
  static constexpr int kCopies = 4;
  size_t values_;
  std::vector<uint64_t> counts_;  ///< [value][copy]
};

template <typename P>
void count(const SramConvSpec& spec, const int8_t* codes, const uint8_t* q, int n,
           std::span<uint64_t> counts) {
  const ConvShape& shape = spec.shape;
  const BitSlicedLayer layer(spec, codes);
  const int64_t image_pixels = int64_t{shape.out_h()} * shape.out_w();
  ActivationPlanes activations(shape, spec.act_bits);
#pragma omp parallel
  {
    Counts local(size_t{spec.p_max()} + 1);
    BitSlicedLayer::Scratch scratch = layer.make_scratch();
    std::vector<P> p(layer.padded_lanes());
    for (int first = 0; first < n; first += activations.max_images()) {
      const int images = std::min(activations.max_images(), n - first);
      activations.pack(q + first * shape.inputs(), images);
#pragma omp for schedule(dynamic, 8)
      for (int64_t pixel = 0; pixel < images * image_pixels; ++pixel) {
        const ConvWindow window = conv_window(shape, pixel);
        for (int g = 0; g < spec.rows.groups(); ++g)
          for (int i = 0; i < spec.digits(); ++i)
            if (layer.partial_sums(activations, window, g, i, scratch, p.data()))
              local.add(p.data(), layer.lanes());
            else
              local.add_zeros(layer.lanes());
      }
    }
#pragma omp critical
    local.add_to(counts);
  }
}

}  // namespace

void partial_sum_histogram(const SramConvSpec& spec, const int8_t* codes, const uint8_t* q, int n,
                           std::span<uint64_t> counts) {
  check_sram_conv(spec, codes);
  if (counts.size() != size_t{spec.p_max()} + 1)
    throw InputError("partial-sum histogram: " + std::to_string(counts.size()) +
                     " counters for partial sums 0.." + std::to_string(spec.p_max()));
  if (spec.p_max() < 256)
    count<uint8_t>(spec, codes, q, n, counts);
  else
    count<uint32_t>(spec, codes, q, n, counts);
}

}  // namespace sramsim
