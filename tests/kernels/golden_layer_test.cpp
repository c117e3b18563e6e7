// The layer golden files: raw codes in, S out, made by an independent implementation. Every variant
// reproduces them.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "host/formats/npy.h"
#include "tests/kernels/sram_run.h"

namespace sramsim {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(SRAMSIM_SOURCE_DIR) / "tests/golden/layer";

struct GoldenCase {
  SramConvSpec spec;
  cases::Operands operands;
  int n = 0;
  std::vector<double> expected;  ///< [N,OH,OW,O]
};

/// Last three axes [C,H,W] of `count` blocks -> [H,W,C].
template <typename T>
std::vector<T> channels_last(const HostTensor& tensor) {
  const int64_t c = tensor.shape[1], pixels = tensor.shape[2] * tensor.shape[3];
  std::vector<T> out(tensor.count());
  for (int64_t n = 0; n < tensor.shape[0]; ++n)
    for (int64_t channel = 0; channel < c; ++channel)
      for (int64_t p = 0; p < pixels; ++p)
        out[(n * pixels + p) * c + channel] = tensor.as<T>()[(n * c + channel) * pixels + p];
  return out;
}

/// An expected output as [N,O,OH,OW]. Two of the files are stored in Fortran order, which the program's
/// reader refuses.
HostTensor read_output(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::string mark = "'fortran_order': True, ";
  const size_t at = text.find(mark);
  if (at == std::string::npos) return read_npy(path);
  text.replace(at, mark.size(), "'fortran_order': False,");
  const auto copy = std::filesystem::path(testing::TempDir()) / ("sramsim_" + path.filename().string());
  std::ofstream(copy, std::ios::binary) << text;
  const HostTensor stored = read_npy(copy);
  std::filesystem::remove(copy);
  HostTensor out = make_tensor(DType::kF64, stored.shape);
  const auto& d = stored.shape;
  for (int64_t n = 0, to = 0; n < d[0]; ++n)
    for (int64_t o = 0; o < d[1]; ++o)
      for (int64_t h = 0; h < d[2]; ++h)
        for (int64_t w = 0; w < d[3]; ++w)
          out.as<double>()[to++] = stored.as<double>()[n + d[0] * (o + d[1] * (h + d[2] * w))];
  return out;
}

GoldenCase load(const nlohmann::json& entry) {
  const std::string name = entry.at("case");
  std::map<std::string, std::string> args;
  const std::vector<std::string> list = entry.at("args");
  for (size_t k = 0; k + 1 < list.size(); k += 2) args[list[k]] = list[k + 1];
  const auto number = [&](const char* option) { return std::stoi(args.at(option)); };

  ArraySettings settings;
  settings.subarray = number("--subarray");
  settings.mapping = args.at("--mapping");
  settings.encoding = parse_encoding(args.at("--encoding"));
  settings.dac_bits = number("--dac-bits");
  settings.adc.bits = number("--adc-bits");
  if (args.count("--adc-mode")) settings.adc.mode = args["--adc-mode"];
  if (args.count("--adc-range")) settings.adc.range = parse_adc_range(args["--adc-range"]);

  const HostTensor q = read_npy(kFolder / (name + "_input.npy"));
  const HostTensor weight = read_npy(kFolder / (name + "_weight.npy"));
  const HostTensor output = read_output(kFolder / (name + "_output.npy"));
  const auto size = [](const HostTensor& t, int axis) { return static_cast<int>(t.shape[axis]); };
  const ConvShape shape{size(q, 1),      size(q, 2),      size(q, 3),         size(weight, 0),
                        size(weight, 2), size(weight, 3), number("--stride"), number("--padding")};
  GoldenCase golden{make_sram_spec(shape, number("--abits"), number("--wbits"), settings),
                    {channels_last<uint8_t>(q), channels_last<int8_t>(weight)},
                    size(q, 0),
                    channels_last<double>(output)};
  EXPECT_EQ(golden.expected.size(), static_cast<size_t>(golden.n * shape.outputs()));
  return golden;
}

TEST(GoldenLayer, EveryVariantReproducesEveryCase) {
  std::ifstream file(kFolder / "cases.json");
  const nlohmann::json list = nlohmann::json::parse(file);
  ASSERT_EQ(list.size(), 40u);
  std::map<std::string, int> ran;
  for (const nlohmann::json& entry : list) {
    const GoldenCase golden = load(entry);
    for (const SramConvVariant& v : sram_conv_variants()) {
      if (!v.refuses(golden.spec).empty()) continue;
      ++ran[v.name];
      const std::vector<double> s = run_sums(golden.spec, golden.operands, golden.n, v.name)[0];
      for (size_t at = 0; at < s.size(); ++at)
        ASSERT_NEAR(s[at], golden.expected[at], 1e-9 * std::abs(golden.expected[at]))
            << v.name << " at " << at << ", sramsim layer " << entry.at("args").dump();
    }
  }
  EXPECT_EQ(ran["reference"], 40);
  EXPECT_EQ(ran["portable"], 40);
  EXPECT_GT(ran["integer"], 0);
}

}  // namespace
}  // namespace sramsim
