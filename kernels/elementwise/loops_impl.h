// Body of the elementwise loops; included once per instruction set, whose file names the table it defines.
// Plain C++ that the compiler vectorises; nothing with external linkage may be defined here.
#include <cmath>
#include <cstring>

#include "kernels/core/elementwise.h"
#include "kernels/core/quantise.h"
#include "kernels/elementwise/loops.h"

namespace sramsim {
namespace {

constexpr size_t kLanes = 16;  // one 512-bit vector of floats: every set adds in these lanes

void bytes_to_unit(const uint8_t* bytes, size_t n, float* x) {
  for (size_t i = 0; i < n; ++i) x[i] = unit_of_byte(bytes[i]);
}

void quantise_activations(const float* x, size_t n, float alpha, float scale, uint8_t* q) {
  for (size_t i = 0; i < n; ++i) q[i] = static_cast<uint8_t>(activation_code(x[i], alpha, scale));
}

double add_lanes(const double (&lane)[kLanes]) {
  double sum = 0;
  for (double v : lane) sum += v;
  return sum;
}

// Element by element first, then the sum: apart, and with results in an array of its own, both become
// vectors.
template <bool kAfterRelu>
double mask_gradient(const float* x, size_t n, float alpha, float* grad) {
  constexpr size_t kBlock = 16 * kLanes;
  typedef float Floats __attribute__((vector_size(kLanes * sizeof(float))));
  typedef double Doubles __attribute__((vector_size(kLanes * sizeof(double))));
  Doubles lanes{};
  for (size_t i = 0; i < n; i += kBlock) {
    const size_t count = n - i < kBlock ? n - i : kBlock;
    alignas(64) float clipped[kBlock] = {}, g[kBlock], xs[kBlock];
    std::memcpy(g, grad + i, count * sizeof(float));
    std::memcpy(xs, x + i, count * sizeof(float));
    for (size_t k = 0; k < count; ++k) clipped[k] = clipped_gradient(xs[k], alpha, g[k]);
    for (size_t k = 0; k < count; ++k) g[k] = passed_gradient(xs[k], alpha, kAfterRelu, g[k]);
    std::memcpy(grad + i, g, count * sizeof(float));
    for (size_t k = 0; k < kBlock; k += kLanes) {
      Floats block;
      std::memcpy(&block, clipped + k, sizeof block);
      lanes += __builtin_convertvector(block, Doubles);
    }
  }
  double lane[kLanes];
  std::memcpy(lane, &lanes, sizeof lane);
  return add_lanes(lane);
}

double quantise_activations_backward(const float* x, size_t n, float alpha, bool after_relu, float* grad) {
  return after_relu ? mask_gradient<true>(x, n, alpha, grad) : mask_gradient<false>(x, n, alpha, grad);
}

WeightSums weight_sums(const float* w, size_t n) {
  double sum[kLanes] = {}, abs_sum[kLanes] = {};
  float abs_max[kLanes] = {};
  const auto step = [&](size_t k, size_t l) {
    const float a = std::fabs(w[k]);
    sum[l] += w[k];
    abs_sum[l] += a;
    abs_max[l] = abs_max[l] > a ? abs_max[l] : a;
  };
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (size_t l = 0; l < kLanes; ++l) step(i + l, l);
  for (size_t l = 0; i < n; ++i, ++l) step(i, l);
  WeightSums all{add_lanes(sum), add_lanes(abs_sum), 0.0f};
  for (float m : abs_max) all.abs_max = all.abs_max > m ? all.abs_max : m;
  return all;
}

double squared_deviation(const float* w, size_t n, double mean) {
  double lane[kLanes] = {};
  size_t i = 0;
  const auto step = [&](size_t k, size_t l) {
    const double d = static_cast<double>(w[k]) - mean;
    lane[l] += d * d;
  };
  for (; i + kLanes <= n; i += kLanes)
    for (size_t l = 0; l < kLanes; ++l) step(i + l, l);
  for (size_t l = 0; i < n; ++i, ++l) step(i, l);
  return add_lanes(lane);
}

void quantise_weights(const float* w, size_t n, float alpha, float scale, int8_t* codes) {
  for (size_t i = 0; i < n; ++i) codes[i] = static_cast<int8_t>(weight_code(w[i], alpha, scale));
}

// The order of operations of layer_output(): float(S) is the same from an integer and from its double.
template <bool kRelu, bool kDivides>
void scale_row(const int32_t* acc, int o, const OutputScale& scale, const float* bias, float* y) {
  for (int c = 0; c < o; ++c) {
    const auto s = static_cast<float>(acc[c]);
    const float scaled = kDivides ? s / scale.act / scale.weight : quotient(s, scale);
    y[c] = add_bias(scaled, bias ? bias[c] : 0.0f, kRelu);
  }
}

void scale_int(const int32_t* acc, size_t pixels, int o, const OutputScale& scale, const float* bias,
               bool relu, float* y) {
#ifdef __FMA__
  const bool divides = !scale.exact;
#else  // fmaf() is a call
  const bool divides = true;
#endif
  const auto row = relu      ? divides ? scale_row<true, true> : scale_row<true, false>
                        : divides ? scale_row<false, true>
                             : scale_row<false, false>;
  for (size_t p = 0; p < pixels; ++p, acc += o, y += o) row(acc, o, scale, bias, y);
}

void relu_forward(const float* x, size_t n, float* y) {
  for (size_t i = 0; i < n; ++i) y[i] = relu_of(x[i]);
}

void relu_backward(const float* y, size_t n, float* grad) {
  for (size_t i = 0; i < n; ++i) grad[i] = relu_gradient(y[i], grad[i]);
}

void multiply(const float* x, size_t n, float factor, float* y) {
  for (size_t i = 0; i < n; ++i) y[i] = x[i] * factor;
}

uint16_t bf16_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  const uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  return static_cast<uint16_t>(x != x ? 0x7FC0u : rounded);
}

void to_bf16(const float* x, size_t n, float factor, uint16_t* y) {
  for (size_t i = 0; i < n; ++i) y[i] = bf16_of(x[i] * factor);
}

void codes_to_bf16(const uint8_t* q, size_t n, uint16_t* y) {
  for (size_t i = 0; i < n; ++i) {
    const auto x = static_cast<float>(q[i]);  // 0..255 needs 8 significant bits: exact
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    y[i] = static_cast<uint16_t>(bits >> 16);
  }
}

void codes_to_float(const uint8_t* q, size_t n, float* y) {
  for (size_t i = 0; i < n; ++i) y[i] = static_cast<float>(q[i]);
}

void column_sums(const float* x, size_t rows, int columns, double* sums) {
  for (size_t r = 0; r < rows; ++r, x += columns)
    for (int c = 0; c < columns; ++c) sums[c] += x[c];
}

void dropout(const float* x, size_t first, size_t n, uint64_t threshold, float scale, const RandomKey& key,
             float* y) {
  for (size_t i = 0; i < n; i += 4) {
    const Philox4 random = philox_block(key, (first + i) / 4);
    for (size_t k = 0; k < 4 && i + k < n; ++k)
      y[i + k] = dropout_of(x[i + k], random.word[k], threshold, scale);
  }
}

void sgd(float* w, const float* g, float* m, size_t n, float lr, float momentum, float weight_decay) {
  for (size_t i = 0; i < n; ++i) sgd_update(w[i], g[i], m[i], lr, momentum, weight_decay);
}

// Channels are cut into blocks whose sums stay in registers or L1.
constexpr int kPoolBlock = 256;

void avg_pool_row(const float* x, int w, int c, int size, int out_w, float* y) {
  const auto count = static_cast<float>(size * size);
  float sum[kPoolBlock];
  for (int ow = 0; ow < out_w; ++ow)
    for (int c0 = 0; c0 < c; c0 += kPoolBlock) {
      const int block = c - c0 < kPoolBlock ? c - c0 : kPoolBlock;
      std::memset(sum, 0, static_cast<size_t>(block) * sizeof(float));
      for (int kh = 0; kh < size; ++kh)
        for (int kw = 0; kw < size; ++kw) {
          const float* in = x + (static_cast<size_t>(kh) * w + static_cast<size_t>(ow) * size + kw) * c + c0;
          for (int k = 0; k < block; ++k) sum[k] += in[k];
        }
      for (int k = 0; k < block; ++k) y[static_cast<size_t>(ow) * c + c0 + k] = sum[k] / count;
    }
}

void avg_pool_backward_row(const float* dy, const float* relu_y, int w, int c, int size, int out_w,
                           float* dx) {
  const auto count = static_cast<float>(size * size);
  for (int kh = 0; kh < size; ++kh)
    for (int ow = 0; ow < out_w; ++ow) {
      const float* g = dy + static_cast<size_t>(ow) * c;
      for (int kw = 0; kw < size; ++kw) {
        const size_t at = (static_cast<size_t>(kh) * w + static_cast<size_t>(ow) * size + kw) * c;
        if (relu_y) {
          for (int k = 0; k < c; ++k) dx[at + k] = relu_gradient(relu_y[at + k], g[k] / count);
        } else {
          for (int k = 0; k < c; ++k) dx[at + k] = g[k] / count;
        }
      }
    }
}

void max_pool_row(const float* x, int w, int c, int size, int out_w, float* y) {
  for (int ow = 0; ow < out_w; ++ow) {
    float* out = y + static_cast<size_t>(ow) * c;
    std::memcpy(out, x + static_cast<size_t>(ow) * size * c, static_cast<size_t>(c) * sizeof(float));
    for (int kh = 0; kh < size; ++kh)
      for (int kw = 0; kw < size; ++kw) {
        const float* in = x + (static_cast<size_t>(kh) * w + static_cast<size_t>(ow) * size + kw) * c;
        for (int k = 0; k < c; ++k) out[k] = in[k] > out[k] ? in[k] : out[k];
      }
  }
}

// The first maximum of a window in (kh,kw) order takes the gradient.
void max_pool_backward_row(const float* x, const float* dy, int w, int c, int size, int out_w, float* dx) {
  for (int ow = 0; ow < out_w; ++ow)
    for (int k = 0; k < c; ++k) {
      size_t best = static_cast<size_t>(ow) * size * c + k;
      for (int kh = 0; kh < size; ++kh)
        for (int kw = 0; kw < size; ++kw) {
          const size_t at = (static_cast<size_t>(kh) * w + static_cast<size_t>(ow) * size + kw) * c + k;
          if (x[at] > x[best]) best = at;
          dx[at] = 0.0f;
        }
      dx[best] = dy[static_cast<size_t>(ow) * c + k];
    }
}

constexpr ElementwiseLoops make_table(const char* name) {
  return {name,
          bytes_to_unit,
          quantise_activations,
          quantise_activations_backward,
          weight_sums,
          squared_deviation,
          quantise_weights,
          scale_int,
          relu_forward,
          relu_backward,
          multiply,
          to_bf16,
          codes_to_bf16,
          codes_to_float,
          column_sums,
          dropout,
          sgd,
          avg_pool_row,
          avg_pool_backward_row,
          max_pool_row,
          max_pool_backward_row};
}

}  // namespace
}  // namespace sramsim
