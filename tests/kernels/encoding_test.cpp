// Weight encodings: planes and weights give back the code; bits of chosen codes by hand.
#include "kernels/core/encoding.h"

#include <gtest/gtest.h>

#include "host/mapping/mapping.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

TEST(Encoding, PlanesAddUpToTheCode) {
  for (Encoding e : {Encoding::kTwosComplement, Encoding::kDifferential, Encoding::kOffset})
    for (int bits = 2; bits <= 8; ++bits) {
      const int top = 1 << (bits - 1);
      for (int code = e == Encoding::kDifferential ? 1 - top : -top; code < top; ++code) {
        int sum = -offset_weight(e, bits);
        for (int j = 0; j < plane_count(e, bits); ++j)
          sum += plane_weight(e, bits, j) * plane_bit(e, bits, code, j);
        EXPECT_EQ(sum, code) << to_string(e) << " " << bits << " bits";
      }
    }
}

TEST(Encoding, BitsByHand) {
  const auto planes = [](Encoding e, int code) {  // plane 0 first, 4 bits
    std::string text;
    for (int j = 0; j < plane_count(e, 4); ++j) text += static_cast<char>('0' + plane_bit(e, 4, code, j));
    return text;
  };
  EXPECT_EQ(planes(Encoding::kTwosComplement, 5), "1010");
  EXPECT_EQ(planes(Encoding::kTwosComplement, -1), "1111");
  EXPECT_EQ(planes(Encoding::kTwosComplement, -8), "0001");
  EXPECT_EQ(planes(Encoding::kDifferential, 5), "101000");
  EXPECT_EQ(planes(Encoding::kDifferential, -6), "000011");
  EXPECT_EQ(planes(Encoding::kDifferential, 0), "000000");
  EXPECT_EQ(planes(Encoding::kOffset, -8), "0000");
  EXPECT_EQ(planes(Encoding::kOffset, 0), "0001");
  EXPECT_EQ(planes(Encoding::kOffset, 7), "1111");
}

TEST(Encoding, DigitsOfAnActivationGiveItBack) {
  for (int dac_bits = 1; dac_bits <= 8; ++dac_bits)
    for (int q = 0; q < 256; ++q) {
      int sum = 0;
      for (int i = 0; i * dac_bits < 8; ++i) sum += act_digit(q, dac_bits, i) << (i * dac_bits);
      EXPECT_EQ(sum, q) << dac_bits;
    }
  EXPECT_EQ(act_digit(0b110110, 3, 0), 0b110);
  EXPECT_EQ(act_digit(0b101110, 3, 1), 0b101);
}

TEST(Encoding, NamesRoundTrip) {
  for (Encoding e : {Encoding::kTwosComplement, Encoding::kDifferential, Encoding::kOffset})
    EXPECT_EQ(parse_encoding(to_string(e)), e);
  try {
    parse_encoding("ones-complement");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(
        error.what(),
        "--encoding 'ones-complement' is unknown, choose one of: twos-complement, differential, offset");
  }
}

}  // namespace
}  // namespace sramsim
