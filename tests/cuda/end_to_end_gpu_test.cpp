// Whole jobs on a device: inference with the CPU's logits, training that learns, with and without a recorded
// step.
#include <cmath>
#include <cstdlib>

#include "host/infer/evaluate.h"
#include "host/train/training_network.h"
#include "models/seed_network.h"
#include "tests/cuda/gpu.h"
#include "tests/infer/toy_network.h"
#include "tests/train/small_network.h"

namespace sramsim {
namespace {

TEST(EndToEnd, InferenceHasTheCpusLogits) {
  SRAMSIM_NEEDS_GPU();
  const Dataset dataset = test::toy_dataset(70);
  std::vector<float> logits[2];
  for (const bool gpu : {false, true}) {
    const auto backend = gpu ? make_backend("cuda") : make_cpu_backend();
    const QuantisedNetwork network(*backend, test::toy_checkpoint());
    std::vector<DesignPoint> points{ideal_point(network)};
    for (const int bits : {2, 3, 5})
      for (const Encoding encoding : {Encoding::kTwosComplement, Encoding::kDifferential, Encoding::kOffset})
        points.push_back(
            uniform_point(network, {16, "unrolled", encoding, 1, {"uniform", bits, {}}}, bits == 3));
    for (const PointResult& r : evaluate(*backend, network, dataset, points, {.batch = 32, .logits = true}))
      logits[gpu].insert(logits[gpu].end(), r.logits.begin(), r.logits.end());
  }
  EXPECT_EQ(logits[1], logits[0]);
}

TEST(EndToEnd, TheShippedNetworkHasTheCpusLogits) {
  SRAMSIM_NEEDS_GPU();
  const Checkpoint checkpoint = load_checkpoint(test::source_dir() + "/models/seed_w4a4.safetensors");
  const Dataset& dataset = test::mnist(Split::kTest);
  std::vector<float> logits[2];
  for (const bool gpu : {false, true}) {
    const auto backend = gpu ? make_backend("cuda") : make_cpu_backend();
    const QuantisedNetwork network(*backend, checkpoint);
    const std::vector<DesignPoint> points = {
        ideal_point(network),
        uniform_point(network, {64, "shape-wise", Encoding::kTwosComplement, 1, {"uniform", 5, {}}}, false)};
    for (const PointResult& r :
         evaluate(*backend, network, dataset, points, {.batch = 16, .limit = 40, .logits = true}))
      logits[gpu].insert(logits[gpu].end(), r.logits.begin(), r.logits.end());
  }
  EXPECT_EQ(logits[1], logits[0]);
}

struct Trained {
  std::vector<float> losses;
  std::vector<HostTensor> values;
};

/// `steps` steps on one batch of 64.
Trained train(Backend& backend, const NetworkSpec& spec, int steps, std::vector<std::string>* notes) {
  const Dataset data = test::slice(test::mnist(Split::kTrain), 0, 64);
  TrainingNetwork network(backend, spec,
                          {.max_batch = 64, .conv_backward = ConvBackward::kDirect, .seed = 3});
  backend.upload(network.batch_images(), data.images.data(), data.images.size());
  backend.upload(network.batch_labels(), data.labels.data(), data.labels.size());
  network.calibrate_alphas(64);
  Trained trained;
  for (int step = 0; step < steps; ++step) {
    network.reset_totals();
    network.train_step(64, static_cast<uint64_t>(step), {.lr = step < steps / 2 ? 0.1f : 0.02f},
                       [&](const std::string& line) { notes->push_back(line); });
    trained.losses.push_back(network.totals().loss);
  }
  for (int id = 0; id < network.parameters().size(); ++id)
    trained.values.push_back(network.parameters().download_value(id));
  return trained;
}

TEST(EndToEnd, TrainingLearnsAndFollowsTheCpu) {
  SRAMSIM_NEEDS_GPU();
  std::vector<std::string> notes;
  const Trained gpu = train(*make_backend("cuda"), test::small_network(), 60, &notes);
  const Trained cpu = train(*make_cpu_backend(), test::small_network(), 60, &notes);
  // The first forward pass has the CPU's bits up to the exponentials; then the gradients' rounding moves a
  // code here and there.
  EXPECT_NEAR(gpu.losses[0], cpu.losses[0], 1e-6f);
  EXPECT_NEAR(gpu.losses[1], cpu.losses[1], 0.05f);
  EXPECT_LT(gpu.losses.back(), 0.92f * gpu.losses.front());  // the CPU: 1.94 of 2.31
}

TEST(EndToEnd, ARecordedStepHasTheBitsOfAPlainOne) {
  SRAMSIM_NEEDS_GPU();
  for (const NetworkSpec& spec : {test::small_network(), seed_network()}) {
    std::vector<std::string> recorded, plain;
    const Trained with = train(*make_backend("cuda"), spec, 8, &recorded);
    ::setenv("SRAMSIM_CUDA_GRAPH", "0", 1);
    const Trained without = train(*make_backend("cuda"), spec, 8, &plain);
    ::unsetenv("SRAMSIM_CUDA_GRAPH");
    EXPECT_EQ(with.losses, without.losses) << spec.name;
    for (size_t id = 0; id < with.values.size(); ++id)
      EXPECT_EQ(with.values[id].bytes, without.values[id].bytes) << spec.name << ", tensor " << id;
    ASSERT_EQ(plain.size(), 1u);
    EXPECT_NE(plain[0].find("not recorded"), std::string::npos);
    ASSERT_FALSE(recorded.empty());
    EXPECT_EQ(recorded[0].find("not recorded"), std::string::npos) << recorded[0];
  }
}

}  // namespace
}  // namespace sramsim
