// Cases of the SRAM convolution around every boundary, shared by tests and benches of all backends. A case
// makes its own operands from its seed, and prints itself as an initialiser that can be pasted back.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/layer/array_settings.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim::cases {

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): the same numbers with every standard library.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// Uniform in [low, high].
  int range(int low, int high) { return low + static_cast<int>(next() % (uint64_t(high - low) + 1)); }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  template <typename T>
  T pick(std::initializer_list<T> choices) {
    return choices.begin()[next() % choices.size()];
  }

 private:
  uint64_t state_;
};

struct SramCase {
  ConvShape shape;
  int n = 1;
  int act_bits = 4, weight_bits = 4;
  int subarray = 128;
  std::string mapping = "shape-wise";
  Encoding encoding = Encoding::kTwosComplement;
  int dac_bits = 1;
  std::vector<AdcSettings> adcs = {AdcSettings{}};
  double bit_density = 0.5;  ///< probability of a set activation bit
  uint64_t seed = 1;
  bool patchy = false;  ///< images differ in what of them is dark
};

struct Operands {
  std::vector<uint8_t> q;     ///< [N,H,W,C]
  std::vector<int8_t> codes;  ///< [O,KH,KW,C]
};

inline SramConvSpec make_spec(const SramCase& c) {
  SramConvSpec spec;
  std::vector<AdcTable> tables;
  for (const AdcSettings& adc : c.adcs) {
    spec = make_sram_spec(c.shape, c.act_bits, c.weight_bits,
                          ArraySettings{c.subarray, c.mapping, c.encoding, c.dac_bits, adc});
    tables.push_back(spec.adcs[0]);
  }
  spec.adcs = tables;
  return spec;
}

/// Leaves every image as it is, or makes one bit, up to 128 channels, all or all but the first pixel of it
/// zero.
inline void darken_images(const SramCase& c, Random& random, std::vector<uint8_t>& q) {
  const auto size = static_cast<size_t>(c.shape.inputs()), channels = static_cast<size_t>(c.shape.c);
  for (size_t first = 0; first < q.size(); first += size) {
    const int what = random.range(0, 4), bit = random.range(0, c.act_bits - 1);
    const auto dark = static_cast<size_t>(32 * random.range(1, 4));
    for (size_t k = 0; k < size; ++k) {
      uint8_t& code = q[first + k];
      if (what == 1) code &= static_cast<uint8_t>(~(1u << bit));
      if ((what == 2 && k % channels < dark) || what == 3 || (what == 4 && k >= channels)) code = 0;
    }
  }
}

inline Operands make_operands(const SramCase& c) {
  Random random(c.seed);
  Operands operands;
  operands.q.resize(c.n * c.shape.inputs());
  for (uint8_t& q : operands.q) {
    int code = 0;
    for (int bit = 0; bit < c.act_bits; ++bit) code |= (random.unit() < c.bit_density ? 1 : 0) << bit;
    q = static_cast<uint8_t>(code);
  }
  if (c.patchy) darken_images(c, random, operands.q);
  const int top = (1 << (c.weight_bits - 1)) - 1;
  const int low = c.encoding == Encoding::kDifferential ? -top : -top - 1;
  operands.codes.resize(c.shape.weights());
  for (int8_t& code : operands.codes) code = static_cast<int8_t>(random.range(low, top));
  return operands;
}

inline std::string text_of(const AdcSettings& adc) {
  return "{\"" + adc.mode + "\", " + std::to_string(adc.bits) + ", parse_adc_range(\"" +
         to_string(adc.range) + "\")}";
}

/// The case as C++: SramCase{...}.
inline std::string text_of(const SramCase& c) {
  const auto list = [](std::initializer_list<int> values) {
    std::string text;
    for (int v : values) text += (text.empty() ? "" : ", ") + std::to_string(v);
    return text;
  };
  static const char* const encodings[] = {"kTwosComplement", "kDifferential", "kOffset"};
  std::string adcs;
  for (const AdcSettings& adc : c.adcs) adcs += (adcs.empty() ? "" : ", ") + text_of(adc);
  const ConvShape& s = c.shape;
  return "SramCase{{" + list({s.c, s.h, s.w, s.o, s.kh, s.kw, s.stride, s.padding}) + "}, " +
         list({c.n, c.act_bits, c.weight_bits, c.subarray}) + ", \"" + c.mapping +
         "\", Encoding::" + encodings[static_cast<int>(c.encoding)] + ", " + std::to_string(c.dac_bits) +
         ", {" + adcs + "}, " + std::to_string(c.bit_density) + ", " + std::to_string(c.seed) +
         (c.patchy ? ", true}" : "}");
}

/// conv2 of the seed network: 128 -> 128 channels, 3x3, 26x26 -> 24x24.
inline SramCase seed_conv2(int subarray, int adc_bits, double bit_density = 0.5, int n = 1) {
  SramCase c;
  c.shape = {128, 26, 26, 128, 3, 3, 1, 0};
  c.n = n;
  c.subarray = subarray;
  c.adcs = {{"uniform", adc_bits, {}}};
  c.bit_density = bit_density;
  return c;
}

/// Any legal case small enough for the reference: every mapping, encoding, width, stride, padding, ADC mode
/// and range.
inline SramCase random_case(uint64_t seed) {
  Random r(seed * 0x2545f4914f6cdd1d + 1);
  SramCase c;
  c.seed = seed;
  const int k = r.pick({1, 2, 3, 3});
  c.shape.kh = k;
  c.shape.kw = r.pick({k, k, 1, 2});
  c.shape.c = r.pick({1, 2, 3, 5, 7, 8, 16, 31, 33, 63, 64, 65, 127, 128, 130});
  c.shape.o = r.pick({1, 2, 3, 7, 8, 10, 16, 17, 31, 32, 33, 64, 65, 128, 130});
  c.shape.stride = r.range(1, 3);
  c.shape.padding = r.range(0, 2);
  c.shape.h = r.range(c.shape.kh, 6);
  c.shape.w = r.range(c.shape.kw, 6);
  if (int64_t{c.shape.c} * c.shape.o > 4000) c.shape.h = c.shape.w = 3;
  c.n = r.range(1, 3);
  c.act_bits = r.range(1, 8);
  c.weight_bits = r.range(2, 8);
  c.dac_bits = r.pick({1, 1, 1, r.range(1, c.act_bits), r.range(1, c.act_bits)});
  c.mapping = r.pick({"shape-wise", "unrolled", "whole-kernel"});
  c.encoding = r.pick({Encoding::kTwosComplement, Encoding::kDifferential, Encoding::kOffset});
  c.subarray = r.pick({1, 2, 5, 8, 15, 16, 17, 31, 32, 63, 64, 65, 100, 127, 128, 129, 255, 256, 500, 512});
  if (c.mapping == "whole-kernel" && c.subarray < c.shape.positions()) c.subarray = c.shape.positions();
  c.adcs.clear();
  for (int t = r.pick({1, 1, 2, 3}); t > 0; --t) {
    AdcSettings adc{r.pick({"uniform", "uniform", "saturating"}), r.range(0, 9), {}};
    adc.range.kind = r.pick({AdcRange::Kind::kOccupied, AdcRange::Kind::kArray, AdcRange::Kind::kNumber});
    if (adc.range.kind == AdcRange::Kind::kNumber)
      adc.range.number = r.range(1, 400) / r.pick({1.0, 1.0, 2.0, 10.0});
    c.adcs.push_back(adc);
  }
  c.bit_density = r.pick({0.0, 0.02, 0.25, 0.5, 0.5, 0.9, 1.0});
  return c;
}

/// One case per boundary that has ever mattered to a packing: word, vector and tile edges, digit remainders.
inline std::vector<SramCase> boundary_cases() {
  std::vector<SramCase> list;
  const auto add = [&](ConvShape shape, auto change) {
    SramCase c;
    c.shape = shape;
    c.seed = list.size() + 1;
    change(c);
    list.push_back(c);
  };
  const auto plain = [](SramCase&) {};
  for (int channels : {1, 3, 7, 31, 32, 33, 63, 64, 65, 127, 128, 129, 130, 255, 256, 257})
    add({channels, 3, 3, 16, 2, 2, 1, 0}, [](SramCase& c) { c.subarray = 64; });
  for (int o : {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 130, 256, 257})
    add({64, 3, 3, o, 2, 2, 1, 0}, plain);
  for (int r : {1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 1000})
    for (const char* mapping : {"shape-wise", "unrolled", "whole-kernel"})
      if (std::string(mapping) != "whole-kernel" || r >= 9)
        add({130, 3, 4, 17, 3, 3, 1, 1}, [&](SramCase& c) { c.subarray = r, c.mapping = mapping; });
  for (Encoding e : {Encoding::kTwosComplement, Encoding::kDifferential, Encoding::kOffset})
    for (int bits = 1; bits <= 8; ++bits)
      for (int dac : {1, 2, 3, bits})
        add({33, 3, 3, 11, 2, 2, 1, 1}, [&](SramCase& c) {
          c.encoding = e, c.act_bits = bits, c.weight_bits = bits < 2 ? 2 : bits, c.dac_bits = dac;
        });
  for (int stride : {1, 2, 3})
    for (int padding : {0, 1, 2}) add({9, 7, 5, 12, 3, 2, stride, padding}, [](SramCase& c) { c.n = 3; });
  for (int bits = 0; bits <= 9; ++bits)
    add({128, 2, 2, 32, 1, 1, 1, 0}, [&](SramCase& c) {
      c.adcs = {{"uniform", bits, {}},
                {"saturating", bits, {}},
                {"uniform", bits, {AdcRange::Kind::kNumber, 37}},
                {"uniform", bits, {AdcRange::Kind::kNumber, 20.5}},
                {"uniform", bits, {AdcRange::Kind::kArray, 0}}};
    });
  for (double density : {0.0, 0.001, 0.03, 0.97, 1.0})
    add({128, 4, 4, 64, 3, 3, 1, 0}, [&](SramCase& c) { c.bit_density = density; });
  add({4608, 1, 1, 10, 1, 1, 1, 0}, [](SramCase& c) { c.n = 5; });  // a linear layer
  add({1, 9, 9, 128, 3, 3, 1, 0}, [](SramCase& c) { c.n = 2; });    // a first layer
  add({512, 3, 3, 8, 3, 3, 1, 1},
      [](SramCase& c) { c.subarray = 4096, c.mapping = "unrolled"; });  // one tall array
  return list;
}

/// Image-shaped cases, which the halo kernels accept: outputs of 6..17 pixels a side, several tiles and
/// images.
inline SramCase image_case(uint64_t seed) {
  Random r(seed * 77 + 5);
  SramCase c = random_case(seed);
  c.shape.kh = r.pick({1, 2, 3, 3});
  c.shape.kw = r.pick({1, 2, 3, 3});
  c.shape.stride = r.pick({1, 1, 1, 2});
  c.shape.h = r.pick({6, 7, 8, 9, 16}) * c.shape.stride + c.shape.kh - 1;
  c.shape.w = r.pick({6, 8, 8, 16, 17}) * c.shape.stride + c.shape.kw - 1;
  c.shape.c = r.pick({1, 5, 32, 64, 100, 128, 129, 256});
  c.shape.o = r.pick({1, 8, 24, 64, 66});
  c.shape.padding = r.pick({0, 0, 1});
  c.subarray = r.pick({4, 16, 32, 64, 64, 128, 128, 256, 300});
  if (c.mapping == "whole-kernel" && c.subarray < c.shape.positions()) c.subarray = c.shape.positions();
  c.n = r.pick({1, 1, 3});
  c.act_bits = r.range(1, 4);
  c.weight_bits = r.range(2, 4);
  c.dac_bits = r.pick({1, 1, 1, 2});
  c.adcs = {{r.pick({"uniform", "uniform", "saturating"}), r.range(0, 6), {}}};
  return c;
}

/// What the warpgroup kernels tell apart: row groups of one, two and more parts, also ragged ones, rows that
/// are collected first, and planes in fours and eights.
inline std::vector<SramCase> warpgroup_cases() {
  std::vector<SramCase> list;
  for (const auto& [channels, rows] :
       {std::pair{32, 16}, {40, 24}, {64, 64}, {100, 50}, {128, 128}, {300, 300}, {600, 600}})
    for (const int weight_bits : {2, 4, 5, 8}) {
      SramCase c;
      c.shape = {channels, 8, 9, weight_bits > 4 ? 9 : 20, 1, 2, 1, 0};
      c.act_bits = 2;
      c.weight_bits = weight_bits;
      c.subarray = rows;
      c.seed = static_cast<uint64_t>(channels + weight_bits);
      c.adcs = {{"uniform", 3, {}}};
      list.push_back(c);
    }
  const auto collected = [&](ConvShape shape, int rows, const char* mapping, int weight_bits,
                             double density) {
    SramCase c;
    c.shape = shape;
    c.act_bits = 3;
    c.weight_bits = weight_bits;
    c.subarray = rows;
    c.mapping = mapping;
    c.bit_density = density;
    c.seed = static_cast<uint64_t>(rows);
    c.adcs = {{"uniform", 4, {}}, {"saturating", 2, {}}};
    list.push_back(c);
  };
  for (int rows : {32, 50, 128, 300}) {
    collected({40, 10, 10, 20, 3, 3, 1, 0}, rows, "unrolled", 3, rows == 50 ? 0.01 : 0.5);
    collected({40, 10, 10, 9, 3, 3, 1, 0}, rows, "unrolled", 6, 0.5);
  }
  collected({100, 10, 10, 20, 3, 3, 1, 0}, 900, "unrolled", 3, 0.5);
  collected({100, 10, 10, 9, 3, 3, 1, 0}, 900, "unrolled", 6, 0.5);
  collected({40, 17, 15, 20, 3, 3, 2, 1}, 32, "shape-wise", 3, 0.5);  // windows two pixels apart
  collected({130, 15, 15, 20, 3, 3, 2, 1}, 128, "unrolled", 3, 0.02);
  collected({8, 13, 13, 20, 6, 6, 1, 0}, 64, "shape-wise", 3, 0.5);  // 36 positions
  collected({8, 13, 13, 20, 6, 6, 1, 0}, 72, "whole-kernel", 3, 0.5);
  return list;
}

/// A tile of 8x8 outputs an image, each with other row groups to skip than the one before.
inline SramCase patchy_case(ConvShape shape, int n, int subarray, const char* mapping, uint64_t seed) {
  SramCase c;
  c.shape = shape;
  c.n = n;
  c.act_bits = 2;
  c.weight_bits = 2;
  c.subarray = subarray;
  c.mapping = mapping;
  c.adcs = {{"uniform", 4, {}}, {"saturating", 3, {}}};
  c.seed = seed;
  c.patchy = true;
  return c;
}

}  // namespace sramsim::cases
