#include "host/train/alpha_calibration.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace sramsim {
namespace {

constexpr int kBins = 4096;

struct Histogram {
  float largest = 0.0f;
  std::vector<double> count = std::vector<double>(kBins, 0.0);

  explicit Histogram(std::span<const float> x) {
    for (const float v : x) largest = std::max(largest, v);
    if (!(largest > 0.0f)) return;
    const float bins_per_unit = static_cast<float>(kBins) / largest;
    for (const float v : x)
      if (v > 0.0f) ++count[static_cast<size_t>(std::min(kBins - 1, static_cast<int>(v * bins_per_unit)))];
  }
  double centre(int bin) const { return (bin + 0.5) * largest / kBins; }

  double squared_error(double alpha, int levels) const {
    double sum = 0;
    for (int b = 0; b < kBins; ++b) {
      if (count[static_cast<size_t>(b)] == 0) continue;
      const double x = centre(b);
      const double code = std::nearbyint(std::min(x, alpha) * levels / alpha);
      const double error = x - code * alpha / levels;
      sum += count[static_cast<size_t>(b)] * error * error;
    }
    return sum;
  }
};

}  // namespace

float best_activation_clip(std::span<const float> x, int bits) {
  const Histogram histogram(x);
  if (!(histogram.largest > 0.0f)) return 1.0f;
  const int levels = (1 << bits) - 1;
  double best = histogram.largest;
  double least = histogram.squared_error(best, levels);
  const auto search = [&](double low, double high, int steps) {
    for (int i = 0; i <= steps; ++i) {
      const double alpha = low + (high - low) * i / steps;
      const double error = histogram.squared_error(alpha, levels);
      if (error < least) {
        least = error;
        best = alpha;
      }
    }
  };
  search(0.02 * histogram.largest, histogram.largest, 98);
  const double around = best;
  search(0.98 * around, std::min<double>(1.02 * around, histogram.largest), 40);
  return static_cast<float>(best);
}

}  // namespace sramsim
