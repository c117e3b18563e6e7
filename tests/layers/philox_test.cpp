#include "kernels/core/philox.h"

#include <gtest/gtest.h>

namespace sramsim {
namespace {

void expect_words(const Philox4& got, const Philox4& want) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(got.word[i], want.word[i]) << "word " << i;
}

// Known answers published with the generator (Random123, kat_vectors).
TEST(Philox, KnownAnswers) {
  expect_words(philox4x32({{0, 0, 0, 0}}, 0, 0), {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
  expect_words(philox4x32({{~0u, ~0u, ~0u, ~0u}}, ~0u, ~0u),
               {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
  expect_words(philox4x32({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0),
               {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
}

TEST(Philox, EveryPartOfTheKeyMatters) {
  const RandomKey base{1, 2, 3};
  const uint32_t word = philox_word(base, 4);
  EXPECT_NE(word, philox_word({2, 2, 3}, 4));
  EXPECT_NE(word, philox_word({1, 3, 3}, 4));
  EXPECT_NE(word, philox_word({1, 2, 4}, 4));
  EXPECT_NE(word, philox_word(base, 5));
  EXPECT_EQ(word, philox_word({1, 2, 3}, 4));
}

TEST(Philox, UnitFloatStaysBelowOne) {
  EXPECT_EQ(unit_float(0), 0.0f);
  EXPECT_LT(unit_float(~0u), 1.0f);
}

}  // namespace
}  // namespace sramsim
