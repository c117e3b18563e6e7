// The layer golden files: raw codes in, S out, made by an independent implementation. Shared by the tests of
// backends.
#pragma once

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "host/formats/npy.h"
#include "tests/cases.h"
#include "tests/source_dir.h"

namespace sramsim::golden {

struct LayerCase {
  std::string name;  ///< "17", and the arguments of `sramsim layer`
  SramConvSpec spec;
  cases::Operands operands;
  int n = 0;
  std::vector<double> output;  ///< S [N,OH,OW,O]
};

/// [N,C,H,W] as files have it -> [N,H,W,C].
template <typename T>
std::vector<T> channels_last(const HostTensor& t) {
  const int64_t c = t.shape[1], pixels = t.shape[2] * t.shape[3];
  std::vector<T> out(t.count());
  for (int64_t at = 0; at < t.count(); ++at)
    out[(at / (c * pixels) * pixels + at % pixels) * c + at / pixels % c] = t.as<T>()[at];
  return out;
}

/// Expected S [N,O,OH,OW], some in Fortran order, which the program's reader refuses -> [N,OH,OW,O].
inline std::vector<double> read_output(const std::filesystem::path& path, int n, const ConvShape& s) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t header =
      10 + (static_cast<uint8_t>(text.at(8)) | size_t{static_cast<uint8_t>(text.at(9))} << 8);
  const bool fortran = text.find("'fortran_order': True") < header;
  std::vector<double> stored(n * s.outputs()), out;
  if (text.size() != header + stored.size() * sizeof(double))
    throw std::runtime_error(path.string() + " has another size than its layer");
  std::memcpy(stored.data(), text.data() + header, stored.size() * sizeof(double));
  for (int image = 0; image < n; ++image)
    for (int h = 0; h < s.out_h(); ++h)
      for (int w = 0; w < s.out_w(); ++w)
        for (int o = 0; o < s.o; ++o)
          out.push_back(fortran ? stored[image + n * (o + s.o * (h + s.out_h() * w))]
                                : stored[((image * s.o + o) * s.out_h() + h) * s.out_w() + w]);
  return out;
}

inline LayerCase load_layer_case(const std::filesystem::path& folder, const nlohmann::json& entry) {
  const std::string name = entry.at("case");
  std::map<std::string, std::string> args;
  const std::vector<std::string> list = entry.at("args");
  for (size_t k = 0; k + 1 < list.size(); k += 2) args[list[k]] = list[k + 1];
  const auto number = [&](const char* option) { return std::stoi(args.at(option)); };
  ArraySettings settings;
  settings.subarray = number("--subarray");
  settings.mapping = args.at("--mapping");
  settings.dac_bits = number("--dac-bits");
  settings.encoding = args.at("--encoding") == "offset"         ? Encoding::kOffset
                      : args.at("--encoding") == "differential" ? Encoding::kDifferential
                                                                : Encoding::kTwosComplement;
  settings.adc.bits = number("--adc-bits");
  if (args.count("--adc-mode")) settings.adc.mode = args["--adc-mode"];
  if (args.count("--adc-range")) settings.adc.range = parse_adc_range(args["--adc-range"]);
  const HostTensor q = read_npy(folder / (name + "_input.npy")),
                   weight = read_npy(folder / (name + "_weight.npy"));
  const auto size = [](const HostTensor& t, int axis) { return static_cast<int>(t.shape[axis]); };
  const ConvShape shape{size(q, 1),      size(q, 2),      size(q, 3),         size(weight, 0),
                        size(weight, 2), size(weight, 3), number("--stride"), number("--padding")};
  const int n = size(q, 0);
  return {name + " " + entry.at("args").dump(),
          make_sram_spec(shape, number("--abits"), number("--wbits"), settings),
          {channels_last<uint8_t>(q), channels_last<int8_t>(weight)},
          n,
          read_output(folder / (name + "_output.npy"), n, shape)};
}

inline std::vector<LayerCase> layer_cases() {
  const std::filesystem::path folder = std::filesystem::path(test::source_dir()) / "tests/golden/layer";
  std::ifstream file(folder / "cases.json");
  std::vector<LayerCase> list;
  for (const nlohmann::json& entry : nlohmann::json::parse(file))
    list.push_back(load_layer_case(folder, entry));
  return list;
}

}  // namespace sramsim::golden
