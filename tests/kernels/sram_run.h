// Runs one variant of the SRAM convolution on host memory; shared by the tests of the op.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "kernels/sram_conv/sram_conv.h"
#include "tests/cases.h"

namespace sramsim {

/// S per ADC table, [N,OH,OW,O] each. Every element starts as NaN, so that an unwritten one cannot pass.
inline std::vector<std::vector<double>> run_sums(const SramConvPlan& plan, const SramConvSpec& spec,
                                                 const uint8_t* q, int n) {
  std::vector<std::vector<double>> sums(spec.adcs.size(),
                                        std::vector<double>(n * spec.shape.outputs(), std::nan("")));
  std::vector<SramOutput> outputs;
  for (auto& s : sums) outputs.push_back({.s = s.data()});
  plan.run(q, n, outputs);
  return sums;
}

inline std::vector<std::vector<double>> run_sums(const SramConvSpec& spec, const cases::Operands& operands,
                                                 int n, const std::string& variant) {
  return run_sums(*plan_sram_conv(spec, operands.codes.data(), variant), spec, operands.q.data(), n);
}

/// Empty if equal in every bit, else the first difference: table, image, pixel, channel and both values.
inline std::string first_difference(const SramConvSpec& spec,
                                    const std::vector<std::vector<double>>& expected,
                                    const std::vector<std::vector<double>>& actual) {
  for (size_t t = 0; t < expected.size(); ++t)
    for (size_t at = 0; at < expected[t].size(); ++at)
      if (!(expected[t][at] == actual[t][at])) {
        const int64_t pixel = static_cast<int64_t>(at) / spec.shape.o;
        const int64_t image_pixels = int64_t{spec.shape.out_h()} * spec.shape.out_w();
        return "table " + std::to_string(t) + ", image " + std::to_string(pixel / image_pixels) + ", oh " +
               std::to_string(pixel % image_pixels / spec.shape.out_w()) + ", ow " +
               std::to_string(pixel % spec.shape.out_w()) + ", o " + std::to_string(at % spec.shape.o) +
               ": expected " + std::to_string(expected[t][at]) + ", got " + std::to_string(actual[t][at]);
      }
  return "";
}

}  // namespace sramsim
