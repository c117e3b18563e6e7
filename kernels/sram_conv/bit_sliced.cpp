#include "kernels/sram_conv/bit_sliced.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace sramsim {
namespace {

/// 128 lanes: what the baseline of every 64-bit machine does in one instruction (SSE2, NEON) or in two.
typedef uint64_t Vector __attribute__((vector_size(16)));

Vector load(const uint64_t* from) {
  Vector v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

struct SumCarry {
  Vector sum, carry;
};
SumCarry half_add(Vector a, Vector b) {
  return {a ^ b, a & b};
}
SumCarry full_add(Vector a, Vector b, Vector c) {
  const Vector ab = a ^ b;
  return {ab ^ c, (a & b) | (ab & c)};
}

constexpr int kMaxLevels = 32;

/// Binary counters of 128 lanes; level[k] holds bit k of each.
struct Counters {
  std::array<Vector, kMaxLevels> level;
  int levels;

  explicit Counters(int used) : levels(used) { std::fill_n(level.begin(), used, Vector{}); }

  /// Adds 2^at * (ones + 2*twos + 4*fours) to every lane.
  void add(int at, Vector ones, Vector twos, Vector fours) {
    Vector carry{};
    for (const Vector& digit : {ones, twos, fours}) {
      if (at >= levels) return;  // the sum fits, so what is left is zero
      const SumCarry r = full_add(level[at], digit, carry);
      level[at++] = r.sum;
      carry = r.carry;
    }
    for (; at < levels; ++at) {
      const SumCarry r = half_add(level[at], carry);
      level[at] = r.sum;
      carry = r.carry;
    }
  }
};

/// Adds n rows at counter level `at`. Seven rows are first reduced to a three-bit number by four full adders.
void add_rows(Counters& counters, int at, const uint64_t* column, size_t row_words, const int32_t* rows,
              int n) {
  const auto row = [&](int k) { return load(column + rows[k] * row_words); };
  const auto row_or_zero = [&](int k) { return k < n ? row(k) : Vector{}; };
  int k = 0;
  for (; k + 7 <= n; k += 7) {
    const SumCarry a = full_add(row(k), row(k + 1), row(k + 2));
    const SumCarry b = full_add(row(k + 3), row(k + 4), row(k + 5));
    const SumCarry c = full_add(a.sum, b.sum, row(k + 6));
    const SumCarry d = full_add(a.carry, b.carry, c.carry);
    counters.add(at, c.sum, d.sum, d.carry);
  }
  for (; k < n; k += 3) {
    const SumCarry a = full_add(row(k), row_or_zero(k + 1), row_or_zero(k + 2));
    counters.add(at, a.sum, a.carry, Vector{});
  }
}

/// spread[b] has bit k of b in byte k (in memory order).
constexpr std::array<uint64_t, 256> make_spread() {
  std::array<uint64_t, 256> table{};
  for (int b = 0; b < 256; ++b)
    for (int k = 0; k < 8; ++k)
      if (b >> k & 1)
        table[b] |= uint64_t{1} << (8 * (std::endian::native == std::endian::little ? k : 7 - k));
  return table;
}
constexpr std::array<uint64_t, 256> kSpread = make_spread();

/// Bits [first, first+8) of the 128 counters as bytes, lane by lane.
void extract_bytes(const Counters& counters, int first, uint8_t* bytes) {
  std::array<uint64_t, 16> out{};
  const int count = std::min(8, counters.levels - first);
  for (int k = 0; k < count; ++k)
    for (int half = 0; half < 2; ++half) {
      const uint64_t word = counters.level[first + k][half];
      for (int b = 0; b < 8; ++b) out[half * 8 + b] |= kSpread[word >> (8 * b) & 255] << k;
    }
  std::memcpy(bytes, out.data(), sizeof out);
}

void write_lanes(const Counters& counters, uint8_t* /*bytes*/, uint8_t* p) {
  extract_bytes(counters, 0, p);
}

void write_lanes(const Counters& counters, uint8_t* bytes, uint32_t* p) {
  constexpr int kLanes = 128;
  std::fill_n(p, kLanes, 0u);
  for (int first = 0; first < counters.levels; first += 8) {
    extract_bytes(counters, first, bytes);
    for (int lane = 0; lane < kLanes; ++lane) p[lane] |= uint32_t{bytes[lane]} << first;
  }
}

}  // namespace

ActivationPlanes::ActivationPlanes(const ConvShape& shape, int act_bits)
    : shape_(shape), act_bits_(act_bits), words_per_pixel_((shape.c + 63) / 64) {
  constexpr int64_t kBufferBytes = 4 << 20;
  const int64_t image_words = int64_t{shape.h} * shape.w * act_bits * words_per_pixel_;
  max_images_ = static_cast<int>(std::max<int64_t>(1, kBufferBytes / 8 / image_words));
}

void ActivationPlanes::pack(const uint8_t* q, int n) {
  const int64_t pixels = int64_t{n} * shape_.h * shape_.w;
#pragma omp single
  {
    words_.resize(static_cast<size_t>(pixels) * act_bits_ * words_per_pixel_);
    channel_sum_.resize(pixels);
  }
#pragma omp for schedule(static)
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    uint64_t* words = words_.data() + pixel * act_bits_ * words_per_pixel_;
    std::fill_n(words, act_bits_ * words_per_pixel_, uint64_t{0});
    const uint8_t* codes = q + pixel * shape_.c;
    int32_t sum = 0;
    for (int c = 0; c < shape_.c; ++c) {
      sum += codes[c];
      if (codes[c] == 0) continue;
      for (int bit = 0; bit < act_bits_; ++bit)
        words[bit * words_per_pixel_ + c / 64] |= uint64_t{codes[c] >> bit & 1u} << (c % 64);
    }
    channel_sum_[pixel] = sum;
  }
}

int32_t ActivationPlanes::window_sum(int image, int h0, int w0) const {
  int32_t sum = 0;
  for (int h = std::max(h0, 0); h < std::min(h0 + shape_.kh, shape_.h); ++h)
    for (int w = std::max(w0, 0); w < std::min(w0 + shape_.kw, shape_.w); ++w)
      sum += channel_sum_[(int64_t{image} * shape_.h + h) * shape_.w + w];
  return sum;
}

ConvWindow conv_window(const ConvShape& shape, int64_t output_pixel) {
  const int64_t image_pixels = int64_t{shape.out_h()} * shape.out_w();
  const int64_t in_image = output_pixel % image_pixels;
  return {static_cast<int>(output_pixel / image_pixels),
          static_cast<int>(in_image / shape.out_w()) * shape.stride - shape.padding,
          static_cast<int>(in_image % shape.out_w()) * shape.stride - shape.padding};
}

BitSlicedLayer::BitSlicedLayer(const SramConvSpec& spec, const int8_t* codes)
    : shape_(spec.shape),
      act_bits_(spec.act_bits),
      dac_bits_(spec.dac_bits),
      rows_(spec.rows),
      lanes_(spec.planes() * spec.shape.o),
      vectors_((lanes_ + kVectorLanes - 1) / kVectorLanes) {
  const int rows = shape_.rows();
  const size_t row_words = size_t(vectors_) * 2;
  weights_.assign(rows * row_words, 0);
  for (int o = 0; o < shape_.o; ++o)
    for (int row = 0; row < rows; ++row) {
      const int code = codes[int64_t{o} * rows + row];
      for (int j = 0; j < spec.planes(); ++j) {
        const int lane = j * shape_.o + o;
        weights_[row * row_words + lane / 64] |= uint64_t(plane_bit(spec.encoding, spec.weight_bits, code, j))
                                                 << (lane % 64);
      }
    }
}

BitSlicedLayer::Scratch BitSlicedLayer::make_scratch() const {
  Scratch scratch;
  scratch.rows.resize(size_t(rows_.largest_group()) * dac_bits_);
  scratch.rows_end.resize(dac_bits_);
  scratch.bytes.resize(kVectorLanes);
  return scratch;
}

uint32_t BitSlicedLayer::find_set_rows(const ActivationPlanes& activations, const ConvWindow& window, int g,
                                       int digit, Scratch& scratch) const {
  int32_t* next = scratch.rows.data();
  uint32_t bound = 0;
  for (int t = 0; t < dac_bits_; ++t) {
    const int32_t* begin = next;
    const int bit = digit * dac_bits_ + t;
    for (int k = rows_.group_begin[g]; k < rows_.group_begin[g + 1] && bit < act_bits_; ++k) {
      const Segment& s = rows_.segments[k];
      const int h = window.h0 + s.position / shape_.kw, w = window.w0 + s.position % shape_.kw;
      if (h < 0 || h >= shape_.h || w < 0 || w >= shape_.w) continue;
      const uint64_t* bits = activations.bits((int64_t{window.image} * shape_.h + h) * shape_.w + w, bit);
      const int first_row = s.position * shape_.c;
      for (int word = s.channel_begin / 64; word * 64 < s.channel_end; ++word) {
        uint64_t set = bits[word];
        if (word * 64 < s.channel_begin) set &= ~uint64_t{0} << (s.channel_begin - word * 64);
        if (word * 64 + 64 > s.channel_end) set &= ~uint64_t{0} >> (word * 64 + 64 - s.channel_end);
        for (; set; set &= set - 1) *next++ = first_row + word * 64 + std::countr_zero(set);
      }
    }
    bound += static_cast<uint32_t>(next - begin) << t;
    scratch.rows_end[t] = static_cast<int32_t>(next - scratch.rows.data());
  }
  return bound;
}

template <typename P>
bool BitSlicedLayer::partial_sums(const ActivationPlanes& activations, const ConvWindow& window, int g,
                                  int digit, Scratch& scratch, P* p) const {
  const uint32_t bound = find_set_rows(activations, window, g, digit, scratch);
  if (bound == 0) return false;
  for (int v = 0; v < vectors_; ++v) {
    Counters counters(std::bit_width(bound));
    int begin = 0;
    for (int t = 0; t < dac_bits_; ++t) {
      const int end = scratch.rows_end[t];
      add_rows(counters, t, weights_.data() + size_t(v) * 2, size_t(vectors_) * 2,
               scratch.rows.data() + begin, end - begin);
      begin = end;
    }
    write_lanes(counters, scratch.bytes.data(), p + size_t(v) * kVectorLanes);
  }
  return true;
}

template bool BitSlicedLayer::partial_sums(const ActivationPlanes&, const ConvWindow&, int, int, Scratch&,
                                           uint8_t*) const;
template bool BitSlicedLayer::partial_sums(const ActivationPlanes&, const ConvWindow&, int, int, Scratch&,
                                           uint32_t*) const;

}  // namespace sramsim
