// The GPU's reductions on the block emulator: the CPU's order, so the CPU's bits.
#include <gtest/gtest.h>

#include "kernels/backend/backend.h"
#include "kernels/elementwise/chunk_fold.cuh"
#include "kernels/elementwise/elements.h"
#include "kernels/quantise/fold_elements.h"
#include "tests/emulator/block_emulator.h"
#include "tests/layers/random_data.h"

namespace sramsim {
namespace {

constexpr size_t kCounts[] = {1, 15, 17, 2047, 2048, 2049, 16384, 16385, 40000};

size_t chunks_of(size_t count) {
  return (count + kChunk - 1) / kChunk;
}

template <typename Op>
void fold(const Op& op) {
  const emulator::Launch launch{.grid_x = static_cast<int>(chunks_of(op.count)),
                                .block = cuda::kFoldThreads,
                                .shared_bytes = cuda::kFoldSharedBytes<Op>};
  emulator::run(launch, [&] { cuda::chunk_fold_body(op); });
}

TEST(Fold, MaskedGradientsHaveTheCpusBits) {
  const auto cpu = make_cpu_backend(1);
  for (const size_t n : kCounts)
    for (const bool after_relu : {false, true}) {
      test::Draw draw(n);
      const auto x = draw.floats(n, -1, 3), g = draw.floats(n, -1, 1);
      const float alpha = 1.5f;
      auto got = g, want = g;
      float got_dalpha = 0.25f, want_dalpha = 0.25f;
      std::vector<elements::Sum> partial(chunks_of(n));
      fold(elements::MaskGradient{x.data(), n, &alpha, after_relu, got.data(), partial.data()});
      elements::AddSums{partial.data(), partial.size(), &got_dalpha}(0);
      cpu->quantise_activations_backward(x.data(), n, &alpha, after_relu, want.data(), &want_dalpha);
      EXPECT_EQ(got, want) << n;
      EXPECT_EQ(got_dalpha, want_dalpha) << n;
    }
}

TEST(Fold, WeightCodesAndScalesHaveTheCpusBits) {
  const auto cpu = make_cpu_backend(1);
  for (const size_t n : kCounts)
    for (const int bits : {2, 4, 8}) {
      test::Draw draw(n);
      auto w = draw.floats(n, -0.1f, 0.12f);
      if (n == 17) std::fill(w.begin(), w.end(), -0.25f);  // no spread: the clip is max|w|
      std::vector<elements::WeightSumState> sums(chunks_of(n));
      std::vector<elements::Sum> squares(chunks_of(n));
      elements::WeightStatistics statistics{};
      std::vector<int8_t> got(n), want(n);
      float got_scale = 0, want_scale = 0;
      fold(elements::SumWeights{w.data(), n, sums.data()});
      elements::FinishSums{sums.data(), sums.size(), n, &statistics}(0);
      fold(elements::SquaredDeviation{w.data(), n, &statistics, squares.data()});
      elements::FinishClip{squares.data(), squares.size(), n, bits, &statistics, &got_scale}(0);
      const elements::QuantiseWeights quantise{w.data(), n, statistics.clip, got.data()};
      for (size_t call = 0; call < quantise.calls(); ++call) quantise(call);
      cpu->quantise_weights(w.data(), n, bits, want.data(), &want_scale);
      EXPECT_EQ(got_scale, want_scale) << n;
      EXPECT_EQ(got, want) << n;
    }
}

}  // namespace
}  // namespace sramsim
