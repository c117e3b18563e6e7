// The packing kernels: bit planes, codes, borders and channel sums against their definition.
#include <gtest/gtest.h>

#include "kernels/core/quantise.h"
#include "tests/cases.h"
#include "tests/emulator/emulated_kernels.h"

namespace sramsim {
namespace {

struct Packed {
  std::vector<Unit> planes;
  std::vector<int32_t> sums;
};

Packed pack(const SramConvSpec& spec, bool integer, int n, const uint8_t* q, const float* x,
            const float* alpha) {
  Packed packed{std::vector<Unit>(n * cuda::packed_units(spec, integer), Unit{{~0u, ~0u, ~0u, ~0u}}),
                std::vector<int32_t>(n * cuda::padded_pixels(spec.shape), -1)};
  cuda::PrepareArgs args = cuda::make_prepare_args(spec, integer);
  args.q = q;
  args.x = x;
  args.alpha = alpha;
  args.n = n;
  args.planes = packed.planes.data();
  args.channel_sums = integer ? nullptr : packed.sums.data();
  emulator::run_prepare(args, integer);
  return packed;
}

void expect_packed(const cases::SramCase& c, const std::vector<uint8_t>& q, bool integer,
                   const Packed& packed) {
  const SramConvSpec spec = cases::make_spec(c);
  const ConvShape& s = c.shape;
  const int height = s.h + 2 * s.padding, width = s.w + 2 * s.padding;
  const int bits = integer ? 1 : cuda::stored_bits(spec);
  const int units = integer ? cuda::code_units(s.c) : cuda::plane_units(s.c);
  for (int n = 0; n < c.n; ++n)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const int h = y - s.padding, w = x - s.padding;
        const bool inside = h >= 0 && h < s.h && w >= 0 && w < s.w;
        const int64_t pixel = (int64_t{n} * height + y) * width + x;
        int32_t sum = 0;
        for (int channel = 0; channel < units * (integer ? 16 : 128); ++channel) {
          const int code =
              inside && channel < s.c ? q[((int64_t{n} * s.h + h) * s.w + w) * s.c + channel] : 0;
          sum += code;
          for (int bit = 0; bit < bits; ++bit) {
            const int per_unit = integer ? 16 : 128;
            const Unit& unit = packed.planes[(pixel * bits + bit) * units + channel / per_unit];
            const int at = integer ? channel % per_unit : cuda::plane_place(channel % per_unit);
            const uint32_t got =
                integer ? unit.word[at / 4] >> (at % 4 * 8) & 0xff : unit.word[at / 32] >> (at % 32) & 1;
            ASSERT_EQ(got, static_cast<uint32_t>(integer ? code : code >> bit & 1)) << cases::text_of(c);
          }
        }
        if (!integer) {
          ASSERT_EQ(packed.sums[pixel], sum);
        }
      }
}

TEST(Prepare, CodesBecomePlanesAndUnits) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const cases::SramCase c = cases::random_case(seed);
    const cases::Operands operands = cases::make_operands(c);
    for (bool integer : {false, true})
      expect_packed(c, operands.q, integer,
                    pack(cases::make_spec(c), integer, c.n, operands.q.data(), nullptr, nullptr));
  }
}

TEST(Prepare, RealActivationsAreQuantisedAsElsewhere) {
  cases::SramCase c;
  c.n = 2;
  for (const auto& [bits, channels] :
       {std::pair{1, 37}, {4, 37}, {8, 37}, {4, 48}, {8, 144}}) {  // by ones, by fours
    c.shape = {channels, 4, 3, 8, 2, 2, 1, 1};
    c.act_bits = bits;
    cases::Random random(static_cast<uint64_t>(bits));
    const float alpha = 3.7f, scale = act_scale_of(alpha, bits);
    std::vector<float> x(c.n * c.shape.inputs());
    std::vector<uint8_t> q;
    for (float& v : x) v = static_cast<float>(random.unit() * 6 - 1.5);
    x[0] = 0.5f / scale;  // a tie
    x[1] = alpha;
    for (float v : x) q.push_back(static_cast<uint8_t>(activation_code(v, alpha, scale)));
    for (bool integer : {false, true})
      expect_packed(c, q, integer, pack(cases::make_spec(c), integer, c.n, nullptr, x.data(), &alpha));
  }
}

}  // namespace
}  // namespace sramsim
