// Forward and backward of a whole network, one image and one number at a time, straight from design 2.1: no
// fused ReLU, no batched buffers, no shared code but the scalar quantisers, the loss gradient and Philox.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "host/layer/parameters.h"
#include "host/layer/random_streams.h"
#include "host/model/network.h"
#include "kernels/core/philox.h"
#include "kernels/core/quantise.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim::test {

using Vector = std::vector<double>;

class NaiveNetwork {
 public:
  struct Weights {
    Vector code, bias;  // code [O,C,KH,KW] as in files
    float scale = 1, alpha = 1;
  };

  NaiveNetwork(const NetworkSpec& spec, const ParameterSet& parameters) : spec_(spec), placed_(spec.place()) {
    for (int id = 0; id < parameters.size(); ++id) {
      const std::string name = parameters.at(id).name, layer = name.substr(0, name.find('.'));
      const HostTensor t = parameters.download_value(id);
      if (name.ends_with(".weight"))
        quantise(t, weights_[layer]);
      else if (name.ends_with(".bias"))
        weights_[layer].bias.assign(t.as<float>(), t.as<float>() + t.count());
      else
        weights_[layer].alpha = *t.as<float>();
    }
  }

  /// x [C,H,W] planes everywhere; `image` numbers dropout's elements.
  Vector forward(Vector x, bool training, uint64_t seed, uint64_t step, int image) {
    inputs_.clear();
    for (size_t l = 0; l < placed_.size(); ++l) {
      inputs_.push_back(x);
      x = layer_forward(l, x, training, seed, step, image);
    }
    return x;
  }

  /// Adds this image's gradients to `gradients` (keys: parameter names; weights as in files).
  void backward(Vector dy, uint64_t seed, uint64_t step, int image,
                std::map<std::string, Vector>& gradients) {
    for (size_t l = placed_.size(); l-- > 0;) dy = layer_backward(l, dy, seed, step, image, gradients);
  }

 private:
  void quantise(const HostTensor& t, Weights& w) {
    const auto n = static_cast<double>(t.count());
    double mean = 0, abs_mean = 0, square = 0;
    for (int64_t i = 0; i < t.count(); ++i)
      mean += t.as<float>()[i] / n, abs_mean += std::fabs(t.as<float>()[i]) / n;
    for (int64_t i = 0; i < t.count(); ++i) square += (t.as<float>()[i] - mean) * (t.as<float>()[i] - mean);
    const auto z = sawb_coefficients(spec_.weight_bits);
    const float alpha = static_cast<float>(1 / z.z0) * static_cast<float>(std::sqrt(square / (n - 1))) -
                        static_cast<float>(z.z1 / z.z0) * static_cast<float>(abs_mean);
    w.scale = static_cast<float>((1 << (spec_.weight_bits - 1)) - 1) / alpha;
    for (int64_t i = 0; i < t.count(); ++i) w.code.push_back(weight_code(t.as<float>()[i], alpha, w.scale));
  }

  /// f(output, input, weight) for every product of quantised layer l, in planes.
  template <typename F>
  void for_products(const ConvShape& s, F&& f) const {
    for (int o = 0; o < s.o; ++o)
      for (int oh = 0; oh < s.out_h(); ++oh)
        for (int ow = 0; ow < s.out_w(); ++ow)
          for (int c = 0; c < s.c; ++c)
            for (int a = 0; a < s.kh; ++a)
              for (int b = 0; b < s.kw; ++b) {
                const int ih = oh * s.stride - s.padding + a, iw = ow * s.stride - s.padding + b;
                if (ih < 0 || ih >= s.h || iw < 0 || iw >= s.w) continue;
                f((static_cast<size_t>(o) * s.out_h() + oh) * s.out_w() + ow,
                  (static_cast<size_t>(c) * s.h + ih) * s.w + iw,
                  ((static_cast<size_t>(o) * s.c + c) * s.kh + a) * s.kw + b);
              }
  }

  /// f(window, input) for every element of pool l.
  template <typename F>
  void for_windows(size_t l, F&& f) const {
    const auto& p = placed_[l];
    const int k = spec_.layers[l].kernel;
    for (int c = 0; c < p.in_c; ++c)
      for (int y = 0; y < p.out_h; ++y)
        for (int x = 0; x < p.out_w; ++x)
          for (int a = 0; a < k; ++a)
            for (int b = 0; b < k; ++b)
              f((static_cast<size_t>(c) * p.out_h + y) * p.out_w + x,
                (static_cast<size_t>(c) * p.in_h + y * k + a) * p.in_w + x * k + b);
  }

  bool keeps(size_t l, uint64_t seed, uint64_t step, uint64_t element) const {
    const RandomKey key{seed, random_stream(RandomPurpose::kDropout, static_cast<uint32_t>(l)), step};
    return philox_word(key, element) >= spec_.layers[l].p * 4294967296.0;
  }

  Vector codes(const Vector& x, const Weights& w) const {
    const float scale = act_scale_of(w.alpha, spec_.act_bits);
    Vector q;
    for (const double v : x) q.push_back(activation_code(static_cast<float>(v), w.alpha, scale));
    return q;
  }

  Vector layer_forward(size_t l, const Vector& x, bool training, uint64_t seed, uint64_t step, int image) {
    const LayerSpec& layer = spec_.layers[l];
    const auto& p = placed_[l];
    Vector y(static_cast<size_t>(p.out_h) * p.out_w * p.out_c, 0.0);
    switch (layer.type) {
      case LayerType::kQConv:
      case LayerType::kQLinear: {
        const Weights& w = weights_.at(layer.name);
        const Vector q = codes(x, w);
        for_products(p.conv, [&](size_t o, size_t i, size_t k) { y[o] += q[i] * w.code[k]; });
        const size_t pixels = y.size() / static_cast<size_t>(p.out_c);
        for (size_t i = 0; i < y.size(); ++i)
          y[i] = layer_output(y[i], act_scale_of(w.alpha, spec_.act_bits), w.scale,
                              w.bias.empty() ? 0.0f : static_cast<float>(w.bias[i / pixels]), false);
        return y;
      }
      case LayerType::kReLU:
        for (size_t i = 0; i < y.size(); ++i) y[i] = x[i] > 0 ? x[i] : 0;
        return y;
      case LayerType::kAvgPool: {
        std::vector<float> sum(y.size(), 0.0f);  // the forward pass is defined in float
        for_windows(l, [&](size_t o, size_t i) { sum[o] += static_cast<float>(x[i]); });
        for (size_t i = 0; i < y.size(); ++i) y[i] = sum[i] / static_cast<float>(layer.kernel * layer.kernel);
        return y;
      }
      case LayerType::kMaxPool:
        y.assign(y.size(), -INFINITY);
        for_windows(l, [&](size_t o, size_t i) { y[o] = std::max(y[o], x[i]); });
        return y;
      case LayerType::kFlatten:
        return x;  // planes are already in (c,h,w) order
      case LayerType::kDropout:
        if (!training) return x;
        for (size_t i = 0; i < y.size(); ++i)
          y[i] = keeps(l, seed, step, image * y.size() + i)
                     ? static_cast<float>(x[i]) * (1.0f / (1.0f - static_cast<float>(layer.p)))
                     : 0.0f;
        return y;
    }
    return y;
  }

  Vector layer_backward(size_t l, const Vector& dy, uint64_t seed, uint64_t step, int image,
                        std::map<std::string, Vector>& gradients) {
    const LayerSpec& layer = spec_.layers[l];
    const Vector& x = inputs_[l];
    Vector dx(x.size(), 0.0);
    switch (layer.type) {
      case LayerType::kQConv:
      case LayerType::kQLinear: {
        const Weights& w = weights_.at(layer.name);
        const Vector q = codes(x, w);
        const double act_scale = act_scale_of(w.alpha, spec_.act_bits);
        Vector& dw = gradients[layer.name + ".weight"];
        dw.resize(w.code.size());
        for_products(placed_[l].conv, [&](size_t o, size_t i, size_t k) {
          dw[k] += dy[o] * q[i] / act_scale;
          dx[i] += dy[o] * w.code[k] / w.scale;
        });
        if (!w.bias.empty()) {
          Vector& db = gradients[layer.name + ".bias"];
          db.resize(w.bias.size());
          for (size_t i = 0; i < dy.size(); ++i) db[i / (dy.size() / w.bias.size())] += dy[i];
        }
        Vector& dalpha = gradients[layer.name + ".act_quant.act_alpha"];
        dalpha.resize(1);
        for (size_t i = 0; i < x.size(); ++i) {
          if (x[i] >= w.alpha) dalpha[0] += dx[i];
          if (!(x[i] >= 0 && x[i] <= w.alpha)) dx[i] = 0;
        }
        return dx;
      }
      case LayerType::kReLU:
        for (size_t i = 0; i < x.size(); ++i) dx[i] = x[i] > 0 ? dy[i] : 0;
        return dx;
      case LayerType::kAvgPool:
        for_windows(l, [&](size_t o, size_t i) { dx[i] = dy[o] / (layer.kernel * layer.kernel); });
        return dx;
      case LayerType::kMaxPool: {
        std::vector<size_t> best(dy.size(), SIZE_MAX);
        for_windows(l, [&](size_t o, size_t i) {
          if (best[o] == SIZE_MAX || x[i] > x[best[o]]) best[o] = i;
        });
        for (size_t o = 0; o < dy.size(); ++o) dx[best[o]] = dy[o];
        return dx;
      }
      case LayerType::kFlatten:
        return dy;
      case LayerType::kDropout:
        for (size_t i = 0; i < dy.size(); ++i)
          dx[i] = keeps(l, seed, step, image * dy.size() + i) ? dy[i] / (1.0 - layer.p) : 0;
        return dx;
    }
    return dx;
  }

  NetworkSpec spec_;
  std::vector<NetworkSpec::Placed> placed_;
  std::map<std::string, Weights> weights_;
  std::vector<Vector> inputs_;
};

}  // namespace sramsim::test
