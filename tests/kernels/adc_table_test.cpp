// Converter tables against hand-made numbers and an independent statement of rounding.
#include <gtest/gtest.h>

#include "host/adc/adc.h"
#include "host/layer/array_settings.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

using Kind = AdcRange::Kind;

AdcTable table(const char* mode, int bits, AdcRange range, int largest_group, int subarray,
               int dac_bits = 1) {
  return make_adc_table({mode, bits, range}, {largest_group, subarray, dac_bits});
}

void expect_error(const AdcSettings& settings, const std::string& message) {
  try {
    make_adc_table(settings, {64, 64, 1});
    ADD_FAILURE() << "no error, expected: " << message;
  } catch (const InputError& error) {
    EXPECT_EQ(error.what(), message);
  }
}

// F = 8, L = 3, D = 8/3: P/D = 0, .375, .75, 1.125, 1.5 (tie, up), 1.875, 2.25, 2.625, 3
TEST(AdcTable, UniformByHand) {
  const AdcTable t = table("uniform", 2, {}, 8, 64);
  EXPECT_EQ(t.code, (std::vector<uint32_t>{0, 0, 1, 1, 2, 2, 2, 3, 3}));
  EXPECT_DOUBLE_EQ(t.step, 8.0 / 3.0);
  EXPECT_EQ(t.max_code, 3u);
  EXPECT_FALSE(t.lossless());
}

TEST(AdcTable, RangeSetsTheFullScale) {
  EXPECT_DOUBLE_EQ(table("uniform", 1, {}, 9, 16).step, 9.0);
  EXPECT_DOUBLE_EQ(table("uniform", 1, {Kind::kArray, 0}, 9, 16).step, 16.0);
  EXPECT_DOUBLE_EQ(table("uniform", 1, {Kind::kNumber, 2.5}, 9, 16).step, 2.5);
  EXPECT_DOUBLE_EQ(table("uniform", 1, {}, 9, 16, 3).step, 63.0);
  EXPECT_DOUBLE_EQ(table("uniform", 1, {Kind::kArray, 0}, 9, 16, 2).step, 48.0);
  EXPECT_EQ(table("uniform", 1, {}, 9, 16, 3).p_max(), 63u);
  // F = 2.5, one bit: P/2.5 + 1/2 = .5, .9, 1.3 -> 0 0 1, saturating from there
  EXPECT_EQ(table("uniform", 1, {Kind::kNumber, 2.5}, 5, 16).code, (std::vector<uint32_t>{0, 0, 1, 1, 1, 1}));
}

TEST(AdcTable, EnoughCodesAreLossless) {
  EXPECT_TRUE(table("uniform", 5, {}, 31, 31).lossless());
  EXPECT_FALSE(table("uniform", 5, {}, 32, 32).lossless());
  EXPECT_TRUE(table("saturating", 5, {}, 31, 31).lossless());
  EXPECT_FALSE(table("saturating", 5, {}, 32, 32).lossless());
  const AdcTable clipped = table("uniform", 5, {Kind::kNumber, 3}, 5, 31);  // a code per unit, clipped at F
  EXPECT_EQ(clipped.code, (std::vector<uint32_t>{0, 1, 2, 3, 3, 3}));
  EXPECT_EQ(clipped.step, 1.0);
  EXPECT_EQ(clipped.max_code, 3u);
  EXPECT_EQ(table("uniform", 5, {Kind::kNumber, 2.9}, 4, 31).code, (std::vector<uint32_t>{0, 1, 2, 2, 2}));
}

TEST(AdcTable, SaturatingIgnoresTheRange) {
  const std::vector<uint32_t> expected{0, 1, 2, 3, 3, 3, 3};
  for (const AdcRange& range : {AdcRange{}, AdcRange{Kind::kArray, 0}, AdcRange{Kind::kNumber, 1}}) {
    const AdcTable t = table("saturating", 2, range, 6, 64);
    EXPECT_EQ(t.code, expected);
    EXPECT_EQ(t.step, 1.0);
    EXPECT_EQ(t.max_code, 3u);
  }
}

TEST(AdcTable, ZeroBitsAreIdealInEveryMode) {
  for (const AdcModel& m : adc_models()) {
    const AdcTable t = table(m.name, 0, {Kind::kNumber, 1}, 100, 128, 2);
    EXPECT_EQ(t.p_max(), 300u);
    EXPECT_EQ(t.max_code, 300u);
    EXPECT_TRUE(t.lossless()) << m.name;
  }
}

// code k stands for the partial sums with (k - 1/2) D <= P < (k + 1/2) D, that is (2k-1) F <= 2PL < (2k+1) F,
// clipped at L. F comes as eighths, so that every side is an exact integer.
TEST(AdcTable, UniformEqualsTheRoundingInequality) {
  for (int bits = 1; bits <= 16; ++bits)
    for (int eighths : {8, 12, 20, 56, 63 * 8, 64 * 8, 65 * 8, 511, 1000, 255 * 8, 2047, 512 * 8 * 15}) {
      const double f = eighths / 8.0;
      const int64_t top = (int64_t{1} << bits) - 1;
      if (static_cast<double>(top) >= f) continue;
      const AdcTable t = table("uniform", bits, {Kind::kNumber, f}, 700, 700, 2);
      EXPECT_DOUBLE_EQ(t.step * static_cast<double>(top), f);
      for (int64_t p = 0; p <= t.p_max(); ++p) {
        const int64_t k = t.code[p];
        ASSERT_LE(k, top);
        ASSERT_LE((2 * k - 1) * eighths, 16 * p * top) << "bits " << bits << " F " << f << " P " << p;
        if (k < top) {
          ASSERT_LT(16 * p * top, (2 * k + 1) * eighths) << "bits " << bits << " F " << f << " P " << p;
        }
      }
    }
}

TEST(AdcTable, EveryModelIsMonotoneFromZeroToItsLargestCode) {
  for (const AdcModel& m : adc_models())
    for (int bits = 0; bits <= 16; ++bits)
      for (const AdcRange& range : {AdcRange{}, AdcRange{Kind::kArray, 0}, AdcRange{Kind::kNumber, 17.3}}) {
        const AdcTable t = table(m.name, bits, range, 500, 512, 3);
        ASSERT_EQ(t.code.size(), 3501u);
        ASSERT_EQ(t.code[0], 0u);
        for (size_t p = 1; p < t.code.size(); ++p) {
          ASSERT_LE(t.code[p - 1], t.code[p]) << m.name << " " << bits << " P " << p;
          ASSERT_LE(t.code[p], t.max_code) << m.name << " " << bits << " P " << p;
        }
      }
}

TEST(AdcTable, LargestProductsDoNotOverflow) {
  const AdcTable t = table("uniform", 16, {}, 65536, 65536, 8);  // P up to 16.7 million
  EXPECT_EQ(t.code.back(), 65535u);
  EXPECT_EQ(t.code[t.p_max() / 2], 32768u);  // P/D = 32767.5: a tie
  EXPECT_EQ(t.code[t.p_max() / 2 - 1], 32767u);
}

TEST(AdcRangeText, RoundTripsAndRejects) {
  for (const char* text : {"occupied", "array", "53", "20.5", "0.1", "1e-05"})
    EXPECT_EQ(to_string(parse_adc_range(text)), text);
  EXPECT_EQ(parse_adc_range("1e2").number, 100.0);
  for (const char* text : {"", "full", "0", "-3", "nan", "inf", "12x", " 12", "1e999"}) {
    try {
      parse_adc_range(text);
      ADD_FAILURE() << "accepted '" << text << "'";
    } catch (const InputError& error) {
      EXPECT_EQ(error.what(),
                "--adc-range '" + std::string(text) + "': must be 'occupied', 'array' or a positive number");
    }
  }
}

TEST(AdcTable, Errors) {
  expect_error({"flash", 5, {}}, "--adc-mode 'flash' is unknown, choose one of: uniform, saturating");
  expect_error({"flash", 0, {}}, "--adc-mode 'flash' is unknown, choose one of: uniform, saturating");
  expect_error({"uniform", -1, {}}, "--adc-bits -1: must be 0 (ideal) or 1..16");
  expect_error({"uniform", 17, {}}, "--adc-bits 17: must be 0 (ideal) or 1..16");
  expect_error({"uniform", 5, {Kind::kNumber, 0}}, "--adc-range 0: the full scale must be a positive number");
}

TEST(ArraySettings, ErrorsNameTheOption) {
  const ConvShape shape{8, 4, 4, 4, 3, 3, 1, 0};
  const auto error_of = [&](int act_bits, int weight_bits, int dac_bits) -> std::string {
    ArraySettings settings;
    settings.dac_bits = dac_bits;
    try {
      make_sram_spec(shape, act_bits, weight_bits, settings);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(error_of(4, 4, 1), "");
  EXPECT_EQ(error_of(0, 4, 1), "--abits 0: must be 1..8");
  EXPECT_EQ(error_of(9, 4, 1), "--abits 9: must be 1..8");
  EXPECT_EQ(error_of(4, 1, 1), "--wbits 1: must be 2..8");
  EXPECT_EQ(error_of(4, 9, 1), "--wbits 9: must be 2..8");
  EXPECT_EQ(error_of(4, 4, 0), "--dac-bits 0: must be 1..8");
  EXPECT_EQ(error_of(4, 4, 9), "--dac-bits 9: must be 1..8");
}

}  // namespace
}  // namespace sramsim
