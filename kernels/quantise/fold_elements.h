// What chunk_fold.cuh folds for the quantisers, and the single calls that finish each sum: the same functions
// as the CPU's loops call, in the same order.
#pragma once

#include <cstddef>

#include "kernels/core/macros.h"
#include "kernels/core/quantise.h"

namespace sramsim::elements {

struct Sum {
  double sum = 0;
};

/// Straight-through mask of grad in place; the clipped part of it is summed.
struct MaskGradient {
  static constexpr const char* kName = "mask_gradient";
  using State = Sum;
  const float* x;
  size_t count;
  const float* alpha;
  bool after_relu;
  float* grad;
  State* partial;
  SRAMSIM_HD float value(size_t i) const {
    const float g = grad[i], clip = *alpha;
    grad[i] = passed_gradient(x[i], clip, after_relu, g);
    return clipped_gradient(x[i], clip, g);
  }
  SRAMSIM_HD void add(State& s, float v) const { s.sum += v; }
  SRAMSIM_HD void merge(State& all, const State& lane) const { all.sum += lane.sum; }
};

/// *to += the partial sums, in order.
struct AddSums {
  static constexpr const char* kName = "add_sums";
  const Sum* partial;
  size_t chunks;
  float* to;
  size_t calls() const { return 1; }
  SRAMSIM_HD void operator()(size_t) const {
    double sum = 0;
    for (size_t k = 0; k < chunks; ++k) sum += partial[k].sum;
    *to += static_cast<float>(sum);
  }
};

struct WeightSumState {
  double sum = 0, abs_sum = 0;
  float abs_max = 0, unused = 0;
};

struct SumWeights {
  static constexpr const char* kName = "sum_weights";
  using State = WeightSumState;
  const float* w;
  size_t count;
  State* partial;
  SRAMSIM_HD float value(size_t i) const { return w[i]; }
  SRAMSIM_HD void add(State& s, float v) const {
    const float a = fabsf(v);
    s.sum += v;
    s.abs_sum += a;
    s.abs_max = s.abs_max > a ? s.abs_max : a;
  }
  SRAMSIM_HD void merge(State& all, const State& lane) const {
    all.sum += lane.sum;
    all.abs_sum += lane.abs_sum;
    all.abs_max = all.abs_max > lane.abs_max ? all.abs_max : lane.abs_max;
  }
};

/// Statistics of one weight tensor on their way to its clip.
struct WeightStatistics {
  double mean, abs_sum;
  float abs_max;
  float clip[2];  ///< alpha, scale
};

struct FinishSums {
  static constexpr const char* kName = "finish_sums";
  const WeightSumState* partial;
  size_t chunks, count;
  WeightStatistics* to;
  size_t calls() const { return 1; }
  SRAMSIM_HD void operator()(size_t) const {
    WeightSumState all;
    for (size_t k = 0; k < chunks; ++k) {
      all.sum += partial[k].sum;
      all.abs_sum += partial[k].abs_sum;
      all.abs_max = all.abs_max < partial[k].abs_max ? partial[k].abs_max : all.abs_max;
    }
    to->mean = all.sum / static_cast<double>(count);
    to->abs_sum = all.abs_sum;
    to->abs_max = all.abs_max;
  }
};

struct SquaredDeviation {
  static constexpr const char* kName = "squared_deviation";
  using State = Sum;
  const float* w;
  size_t count;
  const WeightStatistics* statistics;
  State* partial;
  SRAMSIM_HD float value(size_t i) const { return w[i]; }
  SRAMSIM_HD void add(State& s, float v) const {
    const double d = static_cast<double>(v) - statistics->mean;
    s.sum += d * d;
  }
  SRAMSIM_HD void merge(State& all, const State& lane) const { all.sum += lane.sum; }
};

/// Clip and scale, in `statistics` and where the caller wants the scale.
struct FinishClip {
  static constexpr const char* kName = "finish_clip";
  const Sum* partial;
  size_t chunks, count;
  int bits;
  WeightStatistics* statistics;
  float* scale;
  size_t calls() const { return 1; }
  SRAMSIM_HD void operator()(size_t) const {
    double squares = 0;
    for (size_t k = 0; k < chunks; ++k) squares += partial[k].sum;
    const float alpha =
        sawb_clip(statistics->abs_sum, squares, statistics->abs_max, static_cast<double>(count), bits);
    statistics->clip[0] = alpha;
    statistics->clip[1] = *scale = weight_scale_of(alpha, bits);
  }
};

}  // namespace sramsim::elements
