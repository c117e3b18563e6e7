#include "host/model/network.h"

#include <fmt/format.h>

#include <limits>
#include <set>

#include "kernels/core/error.h"

namespace sramsim {
namespace {

constexpr int64_t kMaxElements = std::numeric_limits<int32_t>::max();

/// Walks the layers with the shape that reaches each of them.
class Placer {
 public:
  explicit Placer(const NetworkSpec& spec) : spec_(spec), h_(spec.h), w_(spec.w), c_(spec.c) {}

  std::vector<NetworkSpec::Placed> run() {
    check_head();
    std::vector<NetworkSpec::Placed> placed;
    for (index_ = 0; index_ < spec_.layers.size(); ++index_) placed.push_back(place(spec_.layers[index_]));
    if (h_ != 1 || w_ != 1 || c_ != spec_.classes)
      throw InputError(
          fmt::format("network '{}': its last layer gives {} x {} x {} values, not one for each of {} "
                      "classes",
                      spec_.name, h_, w_, c_, spec_.classes));
    return placed;
  }

 private:
  void check_head() const {
    auto fail = [&](const std::string& what) {
      throw InputError(fmt::format("network '{}': {}", spec_.name, what));
    };
    if (spec_.c < 1 || spec_.h < 1 || spec_.w < 1 || int64_t{spec_.h} * spec_.w > kMaxElements / spec_.c)
      fail(fmt::format("an input of {} x {} x {} is impossible", spec_.h, spec_.w, spec_.c));
    if (spec_.classes < 1) fail(fmt::format("{} classes", spec_.classes));
    if (spec_.layers.empty()) fail("it has no layers");
    check_bits(spec_.weight_bits, spec_.act_bits);
  }

  [[noreturn]] void fail(const std::string& what) const {
    const LayerSpec& layer = spec_.layers[index_];
    throw InputError(fmt::format("network '{}', layer {}{}: {}", spec_.name, index_ + 1,
                                 layer.name.empty() ? "" : fmt::format(" ({})", layer.name), what));
  }

  void require(bool ok, const char* what) const {
    if (!ok) fail(what);
  }

  NetworkSpec::Placed place(const LayerSpec& layer) {
    NetworkSpec::Placed p{.conv = {}, .in_h = h_, .in_w = w_, .in_c = c_, .out_h = 0, .out_w = 0, .out_c = 0};
    switch (layer.type) {
      case LayerType::kQConv:
      case LayerType::kQLinear:
        p.conv = place_quantised(layer);
        break;
      case LayerType::kAvgPool:
      case LayerType::kMaxPool:
        require(layer.kernel >= 1 && layer.kernel <= h_ && layer.kernel <= w_,
                "its window does not fit its input");
        h_ /= layer.kernel;
        w_ /= layer.kernel;
        break;
      case LayerType::kFlatten:
        c_ = h_ * w_ * c_;
        h_ = w_ = 1;
        break;
      case LayerType::kDropout:
        require(layer.p >= 0.0 && layer.p < 1.0, "its dropout probability is not in [0, 1)");
        break;
      case LayerType::kReLU:
        break;
    }
    p.out_h = h_;
    p.out_w = w_;
    p.out_c = c_;
    return p;
  }

  ConvShape place_quantised(const LayerSpec& layer) {
    const bool conv = layer.type == LayerType::kQConv;
    require(!layer.name.empty(), "a layer with weights needs a name");
    require(names_.insert(layer.name).second, "its name is taken by an earlier layer");
    require(layer.out >= 1, "it has no outputs");
    if (conv) {
      require(layer.kernel >= 1 && layer.stride >= 1 && layer.padding >= 0,
              "its kernel, stride or padding is bad");
      require(layer.padding < layer.kernel, "its padding is not smaller than its kernel");
      require(
          layer.kernel <= int64_t{h_} + 2 * layer.padding && layer.kernel <= int64_t{w_} + 2 * layer.padding,
          "its kernel is larger than its input");
    } else if (h_ != 1 || w_ != 1) {
      fail(fmt::format("a linear layer cannot read {} x {} images; flatten first", h_, w_));
    }
    const int kernel = conv ? layer.kernel : 1;
    const ConvShape shape{.c = c_,
                          .h = h_,
                          .w = w_,
                          .o = layer.out,
                          .kh = kernel,
                          .kw = kernel,
                          .stride = conv ? layer.stride : 1,
                          .padding = conv ? layer.padding : 0};
    require(int64_t{kernel} * kernel <= kMaxElements / c_ / layer.out, "it has more than 2^31 weights");
    require(int64_t{shape.out_h()} * shape.out_w() <= kMaxElements / layer.out,
            "it has more than 2^31 outputs");
    h_ = shape.out_h();
    w_ = shape.out_w();
    c_ = layer.out;
    return shape;
  }

  const NetworkSpec& spec_;
  size_t index_ = 0;
  std::set<std::string> names_;
  int h_, w_, c_;
};

}  // namespace

void check_bits(int weight_bits, int act_bits) {
  if (weight_bits < 2 || weight_bits > 8)
    throw InputError(fmt::format("weight bits: {} is out of range, allowed are 2 to 8", weight_bits));
  if (act_bits < 1 || act_bits > 8)
    throw InputError(fmt::format("activation bits: {} is out of range, allowed are 1 to 8", act_bits));
}

void override_bits(NetworkSpec& spec, std::optional<int> weight_bits, std::optional<int> act_bits) {
  check_bits(weight_bits.value_or(spec.weight_bits), act_bits.value_or(spec.act_bits));
  spec.weight_bits = weight_bits.value_or(spec.weight_bits);
  spec.act_bits = act_bits.value_or(spec.act_bits);
}

std::vector<NetworkSpec::Placed> NetworkSpec::place() const {
  return Placer(*this).run();
}

}  // namespace sramsim
