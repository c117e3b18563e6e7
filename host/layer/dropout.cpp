// Inverted dropout: zeroes elements with probability p in training and scales the rest by 1/(1-p). The mask
// belongs to (seed, layer, step) and is drawn again in the backward pass instead of being stored.
#include "host/layer/random_streams.h"
#include "host/layer/training_layer.h"

namespace sramsim {
namespace {

class DropoutLayer final : public TrainingLayer {
 public:
  explicit DropoutLayer(const LayerContext& c)
      : TrainingLayer(c),
        p_(static_cast<float>(c.spec.p)),
        stream_(random_stream(RandomPurpose::kDropout, static_cast<uint32_t>(c.index))) {}

  /// Outside training p = 0: a copy.
  void forward(const PassContext& pass, const float* x, float* y) override {
    backend_.dropout(x, static_cast<size_t>(pass.n * outputs()), pass.training ? p_ : 0.0f, key(pass),
                     pass.step, y);
  }

  float* backward(const PassContext& pass, const float* x, const float* /*y*/, float* dy,
                  float* dx) override {
    backend_.dropout(dy, static_cast<size_t>(pass.n * outputs()), p_, key(pass), pass.step, dx);
    return mask_relu(pass, x, dx);
  }

 private:
  RandomKey key(const PassContext& pass) const { return {pass.seed, stream_, 0}; }

  float p_;
  uint64_t stream_;
};

}  // namespace

std::unique_ptr<TrainingLayer> make_dropout_layer(const LayerContext& context) {
  return std::make_unique<DropoutLayer>(context);
}

}  // namespace sramsim
