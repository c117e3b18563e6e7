#include "kernels/int_conv/nonzero_plan.h"

#include <omp.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels/core/division.h"
#include "kernels/core/scratch_bytes.h"
#include "kernels/int_conv/deliver.h"

namespace sramsim {
namespace {

constexpr int64_t kListBytes = 2 << 20;  ///< per thread: room for the codes of the images listed together
constexpr int kBandPixels = 96;          ///< output pixels worked on together
constexpr int64_t kWord = 8;             ///< codes looked at together
constexpr int64_t kSamples = 1024;       ///< words that are looked at, or up to twice as many
constexpr int64_t kScatter = 7919;       ///< a prime, so that places in a step differ

/// Arrays of one piece of memory, each on a cache line boundary.
class Arrays {
 public:
  template <typename T>
  size_t add(int64_t count) {
    const size_t at = bytes_;
    bytes_ += (static_cast<size_t>(count) * sizeof(T) + 63) / 64 * 64;
    return at;
  }
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_ = 0;
};

}  // namespace

void NonzeroConvPlan::repack(const int8_t* codes) {
  if (!weights_.weights.get()) weights_ = make_nonzero_weights(shape_, max_code_);
  pack_nonzero_weights(codes, weights_);
}

void NonzeroConvPlan::run(const uint8_t* q, int n, const SramOutput& output) const {
  const ScaledOutput scaled = scaled_output(output);
  const int threads = omp_get_max_threads(), out_h = shape_.out_h();
  const int band = std::clamp(kBandPixels / shape_.out_w(), 1, out_h), bands = ceil_div(out_h, band);
  const int64_t row_codes = int64_t{shape_.w} * shape_.c, row_entries = row_codes + kNonzeroSlack;
  const int64_t out_row = int64_t{shape_.out_w()} * shape_.o;
  const auto image_bytes = static_cast<int64_t>(shape_.h * row_entries * sizeof(Nonzero));
  const int together = static_cast<int>(std::clamp<int64_t>(threads * kListBytes / image_bytes, 1, n));

  Arrays own;
  const size_t sums_at = own.add<int16_t>(int64_t{band} * shape_.out_w() * kNonzeroBlock);
  const size_t pending_at = own.add<int32_t>(int64_t{band} * shape_.out_w());
  const size_t acc_at = own.add<int32_t>(band * out_row);
  Arrays all;
  const size_t entries_at = all.add<Nonzero>(together * shape_.h * row_entries);
  const size_t lists_at = all.add<NonzeroList>(int64_t{together} * shape_.h * shape_.w);
  const size_t own_at = all.add<char>(static_cast<int64_t>(threads * own.bytes()));
  thread_local ScratchBytes scratch;
  char* const memory = static_cast<char*>(scratch.reserve(all.bytes()));
  auto* const entries = reinterpret_cast<Nonzero*>(memory + entries_at);
  auto* const lists = reinterpret_cast<NonzeroList*>(memory + lists_at);

#pragma omp parallel num_threads(threads)
  {
    char* const mine = memory + own_at + omp_get_thread_num() * own.bytes();
    auto* const sums = reinterpret_cast<int16_t*>(mine + sums_at);
    auto* const pending = reinterpret_cast<int32_t*>(mine + pending_at);
    auto* const acc = reinterpret_cast<int32_t*>(mine + acc_at);
    for (int first = 0; first < n; first += together) {
      const int count = std::min(together, n - first);
#pragma omp for schedule(static)
      for (int64_t row = 0; row < int64_t{count} * shape_.h; ++row)
        loops_.list(q + first * shape_.inputs() + row * row_codes, shape_.w, shape_.c,
                    entries + row * row_entries, lists + row * shape_.w);
#pragma omp for schedule(dynamic)
      for (int k = 0; k < count * bands; ++k) {
        const int image = k / bands, row = k % bands * band;
        const RowRange rows{row, std::min(band, out_h - row)};
        loops_.forward_rows(weights_, lists + int64_t{image} * shape_.h * shape_.w, rows, sums, pending, acc);
        for (int r = 0; r < rows.count; ++r)
          deliver_row(shape_, acc + r * out_row, int64_t{first + image} * out_h + row + r, scaled);
      }
    }
  }
}

double nonzero_share(const uint8_t* q, int64_t count) {
  const int64_t words = count / kWord, step = std::max<int64_t>(words / kSamples, 1);
  int64_t nonzero = 0, looked_at = 0;
  for (int64_t first = 0; first + step <= words; first += step, ++looked_at) {
    const int64_t k = first + looked_at * kScatter % step;  // any channel, whatever their number
    uint64_t codes;
    std::memcpy(&codes, q + k * kWord, sizeof codes);
    constexpr uint64_t kLow = 0x7F7F7F7F7F7F7F7F;
    nonzero +=
        std::popcount((((codes & kLow) + kLow) | codes) & ~kLow);  // the top bit of bytes that are not 0
  }
  return looked_at == 0 ? 1.0 : static_cast<double>(nonzero) / static_cast<double>(looked_at * kWord);
}

}  // namespace sramsim
