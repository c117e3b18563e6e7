// sramsim layer: the golden cases of an independent implementation, through the real program.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "kernels/sram_conv/sram_conv.h"
#include "tests/cli/cli.h"

namespace sramsim::test {
namespace {

const fs::path kCases = kSource / "tests/golden/layer";

struct Case {
  std::string name;
  std::vector<std::string> arguments;
};

std::vector<Case> golden_cases() {
  std::vector<Case> cases;
  for (const auto& c : nlohmann::json::parse(read_text(kCases / "cases.json")))
    cases.push_back({c["case"], c["args"]});
  return cases;
}

CliResult run_case(const Case& c, const TempFolder& folder, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"layer",
                                        "--input",
                                        (kCases / (c.name + "_input.npy")).string(),
                                        "--weight",
                                        (kCases / (c.name + "_weight.npy")).string(),
                                        "--output",
                                        "y.npy"};
  arguments.insert(arguments.end(), c.arguments.begin(), c.arguments.end());
  arguments.insert(arguments.end(), more.begin(), more.end());
  return sramsim(arguments, folder.path());
}

/// Some of the golden outputs are stored in Fortran order, which the program does not read.
HostTensor read_either_order(const fs::path& path, const TempFolder& folder) {
  std::string text = read_text(path);
  const size_t at = text.find("'fortran_order': True, ");
  if (at == std::string::npos) return read_npy(path);
  text.replace(at, 23, "'fortran_order': False,");
  write_text(folder / "expected.npy", text);
  const HostTensor stored = read_npy(folder / "expected.npy");
  HostTensor made = make_tensor(stored.dtype, stored.shape);
  const auto& d = stored.shape;
  int64_t from = 0;
  for (int64_t w = 0; w < d[3]; ++w)
    for (int64_t h = 0; h < d[2]; ++h)
      for (int64_t o = 0; o < d[1]; ++o)
        for (int64_t n = 0; n < d[0]; ++n)
          made.as<double>()[((n * d[1] + o) * d[2] + h) * d[3] + w] = stored.as<double>()[from++];
  return made;
}

/// Relative to the larger magnitude; sums that cancel to zero are compared as they are.
void expect_golden(const TempFolder& folder, const std::string& name, const std::string& what) {
  const HostTensor got = read_npy(folder / "y.npy");
  const HostTensor expected = read_either_order(kCases / (name + "_output.npy"), folder);
  ASSERT_EQ(got.dtype, DType::kF64) << what;
  ASSERT_EQ(got.shape, expected.shape) << what;
  ASSERT_EQ(expected.dtype, DType::kF64) << what;
  for (int64_t i = 0; i < expected.count(); ++i) {
    const double g = got.as<double>()[i], e = expected.as<double>()[i];
    ASSERT_LE(std::abs(g - e), 1e-9 * std::max({1.0, std::abs(g), std::abs(e)}))
        << what << " at element " << i;
  }
}

TEST(LayerCommand, ReproducesEveryGoldenCase) {
  const auto cases = golden_cases();
  ASSERT_GE(cases.size(), 40u);
  for (const Case& c : cases) {
    const TempFolder folder;
    const CliResult r = run_case(c, folder);
    ASSERT_EQ(r.exit_code, 0) << c.name << ": " << r.err;
    EXPECT_EQ(r.err, "") << c.name;
    expect_golden(folder, c.name, "case " + c.name);
  }
}

TEST(LayerCommand, EveryKernelVariantReproducesGoldenCases) {
  const auto cases = golden_cases();
  for (const SramConvVariant& variant : sram_conv_variants()) {
    int ran = 0;
    for (size_t i = 0; i < cases.size(); i += 5) {
      const TempFolder folder;
      const CliResult r = run_case(cases[i], folder, {"--kernel", variant.name});
      const std::string what = fmt::format("case {} with --kernel {}", cases[i].name, variant.name);
      if (r.exit_code == 2) {  // says why it cannot be used here
        EXPECT_NE(r.err.find(variant.name), std::string::npos) << what << ": " << r.err;
        EXPECT_NE(r.err.find("cannot be used: "), std::string::npos) << what << ": " << r.err;
        continue;
      }
      ASSERT_EQ(r.exit_code, 0) << what << ": " << r.err;
      EXPECT_NE(r.out.find(fmt::format("kernel {}", variant.name)), std::string::npos)
          << what << ": " << r.out;
      expect_golden(folder, cases[i].name, what);
      ++ran;
    }
    if (std::string(variant.name) == "reference" || std::string(variant.name) == "portable") {
      EXPECT_GT(ran, 0) << variant.name;
    }
  }
}

TEST(LayerCommand, BatchAndThreadsChangeNothing) {
  const TempFolder folder;
  write_npy(folder / "q.npy", counting_codes(DType::kU8, {7, 5, 9, 8}, 0, 15));
  write_npy(folder / "c.npy", counting_codes(DType::kI8, {6, 5, 3, 3}, -8, 7));
  std::vector<std::string> results;
  for (const char* batch : {"1", "3", "64"})
    for (const char* threads : {"1", "2"}) {
      const CliResult r =
          sramsim({"layer", "--input", "q.npy", "--weight", "c.npy", "--output", "y.npy", "--subarray", "8",
                   "--adc-bits", "3", "--padding", "1", "--batch", batch, "--threads", threads},
                  folder.path());
      ASSERT_EQ(r.exit_code, 0) << r.err;
      results.push_back(read_text(folder / "y.npy"));
      EXPECT_EQ(results.back(), results.front()) << "batch " << batch << ", " << threads << " threads";
    }
}

}  // namespace
}  // namespace sramsim::test
