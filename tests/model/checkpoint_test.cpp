#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "host/model/network.h"
#include "models/seed_network.h"
#include "tests/formats/scratch.h"

namespace sramsim {
namespace {

HostTensor filled(std::vector<int64_t> shape, float value) {
  HostTensor t = make_tensor(DType::kF32, std::move(shape));
  for (int64_t i = 0; i < t.count(); ++i) t.as<float>()[i] = value + 0.001f * static_cast<float>(i % 97);
  return t;
}

/// A network small enough to write thousands of times.
Checkpoint tiny() {
  using enum LayerType;
  Checkpoint c;
  c.network = {.name = "tiny",
               .c = 1,
               .h = 4,
               .w = 4,
               .classes = 2,
               .weight_bits = 3,
               .act_bits = 5,
               .layers = {{.type = kQConv, .name = "conv", .out = 2, .kernel = 3},
                          {.type = kReLU},
                          {.type = kFlatten},
                          {.type = kQLinear, .name = "fc", .out = 2, .bias = true}}};
  auto& t = c.file.tensors;
  t["conv.weight"] = filled({2, 1, 3, 3}, -0.5f);
  t["conv.act_quant.act_alpha"] = filled({}, 10.0f);
  t["fc.weight"] = filled({2, 8}, 0.25f);
  t["fc.bias"] = filled({2}, 0.0f);
  t["fc.act_quant.act_alpha"] = filled({}, 4.0f);
  t["optimizer.conv.weight"] = filled({2, 1, 3, 3}, 0.0f);
  c.file.metadata["sramsim.training"] = "{\"epoch\": 3}";
  return c;
}

std::map<std::string, HostTensor> seed_tensors() {
  return {{"conv1.weight", filled({128, 1, 3, 3}, 0.1f)},
          {"conv1.act_quant.act_alpha", filled({}, 1.0f)},
          {"conv2.weight", filled({128, 128, 3, 3}, 0.1f)},
          {"conv2.act_quant.act_alpha", filled({}, 1.0f)},
          {"fc1.weight", filled({128, 4608}, 0.1f)},
          {"fc1.bias", filled({128}, 0.1f)},
          {"fc1.act_quant.act_alpha", filled({}, 1.0f)},
          {"fc2.weight", filled({10, 128}, 0.1f)},
          {"fc2.bias", filled({10}, 0.1f)},
          {"fc2.act_quant.act_alpha", filled({}, 1.0f)}};
}

TEST(Checkpoint, RoundTrips) {
  Scratch scratch;
  const Checkpoint saved = tiny();
  save_checkpoint(scratch / "a.safetensors", saved);
  const Checkpoint loaded = load_checkpoint(scratch / "a.safetensors");
  EXPECT_EQ(loaded.network, saved.network);
  EXPECT_EQ(loaded.file.metadata.at("sramsim.training"), "{\"epoch\": 3}");
  ASSERT_EQ(loaded.file.tensors.size(), saved.file.tensors.size());
  for (const auto& [name, tensor] : saved.file.tensors) {
    EXPECT_EQ(loaded.file.tensors.at(name).shape, tensor.shape) << name;
    EXPECT_EQ(loaded.file.tensors.at(name).bytes, tensor.bytes) << name;
  }
  // Saving what was loaded gives the same file.
  save_checkpoint(scratch / "b.safetensors", loaded);
  EXPECT_EQ(read_bytes(scratch / "a.safetensors"), read_bytes(scratch / "b.safetensors"));
}

TEST(Checkpoint, LoadsTheReferenceProjectsPyTorchFile) {
  const std::filesystem::path path =
      std::filesystem::path(SRAMSIM_SOURCE_DIR) / "tests/golden/original/random_w4a4.pth.tar";
  const Checkpoint c = load_checkpoint(path);
  EXPECT_EQ(c.network, seed_network(4, 4));
  EXPECT_EQ(c.file.tensors.size(), 10u);
  const auto alpha = [&](const std::string& layer) {
    return c.file.tensors.at(layer + ".act_quant.act_alpha").as<float>()[0];
  };
  EXPECT_EQ(alpha("conv1"), 1.0f);
  EXPECT_EQ(alpha("conv2"), 0.6f);
  EXPECT_EQ(alpha("fc1"), 0.5f);
  EXPECT_EQ(alpha("fc2"), 0.4f);
  EXPECT_NEAR(c.file.tensors.at("conv1.weight").as<float>()[1], -0.2008f, 5e-5f);
  EXPECT_NEAR(c.file.tensors.at("fc2.bias").as<float>()[2], 0.0239f, 5e-5f);

  Scratch scratch;  // converting keeps every value
  save_checkpoint(scratch / "converted.safetensors", c);
  const Checkpoint again = load_checkpoint(scratch / "converted.safetensors");
  EXPECT_EQ(again.network, c.network);
  for (const auto& [name, tensor] : c.file.tensors)
    EXPECT_EQ(again.file.tensors.at(name).bytes, tensor.bytes) << name;
}

TEST(Checkpoint, StripsWrapperPrefixesAndNarrowsDoubles) {
  Scratch scratch;
  TensorFile file;
  for (auto& [name, tensor] : seed_tensors()) file.tensors["module._orig_mod." + name] = tensor;
  HostTensor& alpha = file.tensors["module._orig_mod.fc1.act_quant.act_alpha"];
  alpha = make_tensor(DType::kF64, {1});
  alpha.as<double>()[0] = 2.5;
  write_safetensors(scratch / "wrapped.safetensors", file);
  const Checkpoint c = load_checkpoint(scratch / "wrapped.safetensors");
  EXPECT_EQ(c.network, seed_network());
  const HostTensor& read = c.file.tensors.at("fc1.act_quant.act_alpha");
  EXPECT_EQ(read.dtype, DType::kF32);
  EXPECT_TRUE(read.shape.empty());
  EXPECT_EQ(read.as<float>()[0], 2.5f);
}

TEST(Checkpoint, NamesTheTensorThatIsWrong) {
  Scratch scratch;
  const auto says = [&](const std::function<void(std::map<std::string, HostTensor>&)>& change,
                        const std::string& what) {
    TensorFile file = tiny().file;
    file.metadata["sramsim.network"] = nlohmann::json(tiny().network).dump();
    change(file.tensors);
    const auto path = scratch / "bad.safetensors";
    write_safetensors(path, file);
    EXPECT_ERROR_SAYS(load_checkpoint(path), path.string() + ": " + what);
  };
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  says([](auto& t) { t.erase("fc.bias"); }, "tensor 'fc.bias' of network 'tiny' is missing");
  says([](auto& t) { t["bn.running_mean"] = filled({2}, 0); }, "tensor 'bn.running_mean' does not belong to");
  says([](auto& t) { t["module.x"] = filled({2}, 0); }, "tensor 'module.x' does not belong to");
  says(
      [](auto& t) {
        t["fc.weight"] = filled({8, 2}, 0);
      },
      "tensor 'fc.weight' has shape [8,2], the network needs [2,8]");
  says([](auto& t) { t["fc.act_quant.act_alpha"] = filled({2}, 1); },
       "tensor 'fc.act_quant.act_alpha' has shape [2]");
  says(
      [](auto& t) {
        t["conv.weight"] = make_tensor(DType::kI8, {2, 1, 3, 3});
      },
      "tensor 'conv.weight' holds int8 values");
  says([&](auto& t) { t["conv.weight"].template as<float>()[7] = kNaN; },
       "tensor 'conv.weight' holds the value nan at element 7");
  says([](auto& t) { t["fc.bias"].template as<float>()[1] = -INFINITY; },
       "tensor 'fc.bias' holds the value -inf at element 1");
  says([](auto& t) { t["conv.act_quant.act_alpha"].template as<float>()[0] = 0.0f; },
       "tensor 'conv.act_quant.act_alpha' is 0, but must be positive");
  says([](auto& t) { t["conv.act_quant.act_alpha"].template as<float>()[0] = -1.0f; },
       "tensor 'conv.act_quant.act_alpha' is -1, but must be positive");
}

TEST(Checkpoint, RejectsABadNetworkDescription) {
  Scratch scratch;
  const auto says = [&](const std::string& description, const char* what) {
    TensorFile file = tiny().file;
    file.metadata["sramsim.network"] = description;
    write_safetensors(scratch / "bad.safetensors", file);
    EXPECT_ERROR_SAYS(load_checkpoint(scratch / "bad.safetensors"), what);
  };
  says("", "bad.safetensors: network description: not JSON");
  says("{", "network description: not JSON");
  says("[]", "an object was expected");
  says(std::string(100000, '['), "network description: not JSON");
  nlohmann::json j = tiny().network;
  j["layers"][0]["kernel"] = 5;
  says(j.dump(), "layer 1 (conv): its kernel is larger than its input");
  j = tiny().network;
  j["weight_bits"] = 12;
  says(j.dump(), "weight bits: 12 is out of range");
}

TEST(Checkpoint, DivergedTensorsDoNotReplaceAGoodFile) {
  Scratch scratch;
  Checkpoint c = tiny();
  save_checkpoint(scratch / "a.safetensors", c);
  const std::string good = read_bytes(scratch / "a.safetensors");
  c.file.tensors["conv.weight"].as<float>()[0] = INFINITY;
  const std::string message = error_of<RunError>([&] { save_checkpoint(scratch / "a.safetensors", c); });
  EXPECT_NE(message.find("not written: tensor 'conv.weight' holds the value inf"), std::string::npos)
      << message;
  EXPECT_EQ(read_bytes(scratch / "a.safetensors"), good);
  EXPECT_EQ(scratch.entries(), 1u);
}

TEST(Checkpoint, ReportsAFailedWrite) {
  const auto message = [](const std::filesystem::path& path) {
    return error_of<RunError>([&] { save_checkpoint(path, tiny()); });
  };
  EXPECT_NE(message("/dev/full").find("No space left"), std::string::npos);
  EXPECT_NE(message("no-such-folder/a").find("no-such-folder/a: cannot be written: No such file"),
            std::string::npos);
}

TEST(Checkpoint, SurvivesDamage) {
  Scratch scratch;
  save_checkpoint(scratch / "good", tiny());
  expect_survives_damage(read_bytes(scratch / "good"), 4000,
                         [&](const std::string& bytes) { load_checkpoint(scratch.write("damaged", bytes)); });
}

}  // namespace
}  // namespace sramsim
