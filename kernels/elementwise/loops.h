// The CPU's elementwise loops over contiguous ranges, one thread each: one source (loops_impl.h) compiled for
// several instruction sets, chosen once at run time. All sets give the same bits: reductions run in 16 fixed
// lanes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/core/output_scale.h"
#include "kernels/core/philox.h"

namespace sramsim {

struct WeightSums {
  double sum = 0, abs_sum = 0;
  float abs_max = 0;
};

struct ElementwiseLoops {
  const char* name;  ///< "avx512", "avx2", "portable"

  void (*bytes_to_unit)(const uint8_t* bytes, size_t n, float* x);
  void (*quantise_activations)(const float* x, size_t n, float alpha, float scale, uint8_t* q);
  /// Masks grad and returns the sum of its old values where x >= alpha.
  double (*quantise_activations_backward)(const float* x, size_t n, float alpha, bool after_relu,
                                          float* grad);
  WeightSums (*weight_sums)(const float* w, size_t n);
  double (*squared_deviation)(const float* w, size_t n, double mean);
  void (*quantise_weights)(const float* w, size_t n, float alpha, float scale, int8_t* codes);

  /// layer_output() of pixels x o accumulators. bias [o] or null.
  void (*scale_int)(const int32_t* acc, size_t pixels, int o, const OutputScale& scale, const float* bias,
                    bool relu, float* y);
  void (*relu)(const float* x, size_t n, float* y);
  void (*relu_backward)(const float* y, size_t n, float* grad);
  void (*multiply)(const float* x, size_t n, float factor, float* y);
  /// y = bfloat16(x * factor), rounded to nearest even.
  void (*to_bf16)(const float* x, size_t n, float factor, uint16_t* y);
  void (*codes_to_bf16)(const uint8_t* q, size_t n, uint16_t* y);
  void (*codes_to_float)(const uint8_t* q, size_t n, float* y);
  /// sums[c] += the column sums of a [rows, columns] matrix.
  void (*column_sums)(const float* x, size_t rows, int columns, double* sums);
  /// Element i of the range is element first + i of the draw; first is a multiple of 4.
  void (*dropout)(const float* x, size_t first, size_t n, uint64_t threshold, float scale,
                  const RandomKey& key, float* y);
  void (*sgd)(float* w, const float* g, float* m, size_t n, float lr, float momentum, float weight_decay);

  /// One row of windows of an [H,W,C] image: `x` points to the windows' first row, `y` to out_w*c results.
  void (*avg_pool_row)(const float* x, int w, int c, int size, int out_w, float* y);
  /// Spreads dy over the row of windows; with `relu_y` (the pool's input, a ReLU's output) the gradient is
  /// also masked by relu_y > 0.
  void (*avg_pool_backward_row)(const float* dy, const float* relu_y, int w, int c, int size, int out_w,
                                float* dx);
  void (*max_pool_row)(const float* x, int w, int c, int size, int out_w, float* y);
  void (*max_pool_backward_row)(const float* x, const float* dy, int w, int c, int size, int out_w,
                                float* dx);
};

/// The best set this machine runs.
const ElementwiseLoops& elementwise_loops();
/// Every set this machine runs, best first: what tests compare.
std::span<const ElementwiseLoops* const> elementwise_targets();

}  // namespace sramsim
