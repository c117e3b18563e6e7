#include "host/model/network.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "models/seed_network.h"
#include "tests/formats/scratch.h"

namespace sramsim {
namespace {

using nlohmann::json;

TEST(SeedNetwork, HasTheReferenceShapes) {
  const NetworkSpec net = seed_network();
  const auto placed = net.place();
  ASSERT_EQ(placed.size(), 10u);
  EXPECT_EQ(placed[0].conv, (ConvShape{.c = 1, .h = 28, .w = 28, .o = 128, .kh = 3, .kw = 3}));
  EXPECT_EQ(placed[2].conv, (ConvShape{.c = 128, .h = 26, .w = 26, .o = 128, .kh = 3, .kw = 3}));
  EXPECT_EQ(placed[4].out_h, 6);
  EXPECT_EQ(placed[5].out_c, 4608);
  EXPECT_EQ(placed[6].conv, (ConvShape{.c = 4608, .o = 128}));
  EXPECT_EQ(placed[9].conv, (ConvShape{.c = 128, .o = 10}));
  EXPECT_EQ(placed[9].out_c, net.classes);
  int64_t weights = 0;
  for (const auto& p : placed) weights += p.out_c > 0 && p.conv.o > 1 ? p.conv.weights() : 0;
  EXPECT_EQ(weights, 1152 + 147456 + 589824 + 1280);
  EXPECT_EQ(seed_network(8, 3).weight_bits, 8);
  EXPECT_EQ(seed_network(8, 3).act_bits, 3);
}

NetworkSpec every_layer() {
  using enum LayerType;
  return {.name = "every layer",
          .c = 3,
          .h = 32,
          .w = 20,
          .classes = 7,
          .weight_bits = 2,
          .act_bits = 1,
          .layers = {
              {.type = kQConv, .name = "a", .out = 5, .kernel = 5, .stride = 2, .padding = 2, .bias = true},
              {.type = kReLU},
              {.type = kMaxPool, .kernel = 3},
              {.type = kAvgPool, .kernel = 2},
              {.type = kFlatten},
              {.type = kDropout, .p = 0.25},
              {.type = kQLinear, .name = "b", .out = 7}}};
}

TEST(NetworkSpec, JsonRoundTrips) {
  for (const NetworkSpec& net : {seed_network(5, 6), every_layer()})
    EXPECT_EQ(json::parse(json(net).dump()).get<NetworkSpec>(), net);
}

TEST(NetworkSpec, PlacesEveryLayer) {
  const auto p = every_layer().place();
  EXPECT_EQ(p[0].out_h, 16);
  EXPECT_EQ(p[0].out_w, 10);
  EXPECT_EQ(p[2].out_h, 5);  // the last row and column fill no window
  EXPECT_EQ(p[2].out_w, 3);
  EXPECT_EQ(p[3].out_h, 2);
  EXPECT_EQ(p[3].out_w, 1);
  EXPECT_EQ(p[4].out_c, 2 * 1 * 5);
  EXPECT_EQ(p[6].conv.c, 10);
}

TEST(NetworkSpec, SaysWhichLayerDoesNotFit) {
  const auto says = [](const std::function<void(NetworkSpec&)>& change, const char* what) {
    NetworkSpec net = seed_network();
    change(net);
    EXPECT_ERROR_SAYS(net.place(), what);
  };
  says([](auto& n) { n.classes = 11; },
       "its last layer gives 1 x 1 x 10 values, not one for each of 11 classes");
  says([](auto& n) { n.layers.clear(); }, "it has no layers");
  says([](auto& n) { n.c = 0; }, "an input of 28 x 28 x 0 is impossible");
  says([](auto& n) { n.h = n.w = n.c = 1 << 30; }, "is impossible");
  says([](auto& n) { n.weight_bits = 1; }, "weight bits: 1 is out of range, allowed are 2 to 8");
  says([](auto& n) { n.act_bits = 9; }, "activation bits: 9 is out of range, allowed are 1 to 8");
  says([](auto& n) { n.h = 2; }, "layer 1 (conv1): its kernel is larger than its input");
  says([](auto& n) { n.layers[2].name = "conv1"; }, "layer 3 (conv1): its name is taken");
  says([](auto& n) { n.layers[0].name = ""; }, "layer 1: a layer with weights needs a name");
  says([](auto& n) { n.layers[0].out = 0; }, "it has no outputs");
  says([](auto& n) { n.layers[0].stride = 0; }, "layer 1 (conv1): its kernel, stride or padding is bad");
  says([](auto& n) { n.layers[0].padding = 3; }, "its padding is not smaller than its kernel");
  says([](auto& n) { n.layers[0].out = 1 << 30; }, "more than 2^31 weights");
  says([](auto& n) { n.layers[0].out = 100'000'000; }, "more than 2^31 outputs");
  says([](auto& n) { n.layers[4].kernel = 25; }, "layer 5: its window does not fit");
  says([](auto& n) { n.layers.erase(n.layers.begin() + 5); },
       "layer 6 (fc1): a linear layer cannot read 6 x 6 images");
  says([](auto& n) { n.layers[8].p = 1.0; }, "dropout probability is not in [0, 1)");
}

TEST(NetworkSpec, RejectsOtherJson) {
  const auto says = [](const std::function<void(json&)>& change, const char* what) {
    json j = seed_network();
    change(j);
    EXPECT_ERROR_SAYS(j.get<NetworkSpec>(), what);
  };
  says([](json& j) { j = 3; }, "network description: an object was expected");
  says([](json& j) { j.erase("layers"); }, "'layers' is missing");
  says([](json& j) { j["layers"] = 1; }, "'layers' is not a list");
  says([](json& j) { j["layers"][0] = 1; }, "an object was expected");
  says([](json& j) { j["layers"][0]["type"] = "batchnorm"; }, "unknown layer type 'batchnorm'");
  says([](json& j) { j["layers"][0]["out"] = -1; }, "'out' is not a number");
  says([](json& j) { j["layers"][0]["out"] = 1e3; }, "'out' is not a number");
  says([](json& j) { j["layers"][0]["out"] = 18446744073709551615u; }, "'out' is not a number");
  says([](json& j) { j["layers"][0]["bias"] = 0; }, "'bias' is neither true nor false");
  says([](json& j) { j["layers"][0]["name"] = "two\nlines"; }, "'name' is not a short plain text");
  says([](json& j) { j["layers"][8]["p"] = "half"; }, "'p' is not a number");
  says([](json& j) { j["input"] = {1, 28}; }, "'input' is not a list");
  says([](json& j) { j["name"] = nullptr; }, "'name' is not a text");
}

TEST(NetworkSpec, OverridesOnlyTheGivenBits) {
  NetworkSpec net = seed_network();
  override_bits(net, 8, std::nullopt);
  EXPECT_EQ(net, seed_network(8, 4));
  override_bits(net, std::nullopt, 2);
  EXPECT_EQ(net, seed_network(8, 2));
  EXPECT_ERROR_SAYS(override_bits(net, 9, std::nullopt), "weight bits: 9");
  EXPECT_ERROR_SAYS(override_bits(net, 3, 0), "activation bits: 0");
  EXPECT_EQ(net, seed_network(8, 2)) << "a refused override changes nothing";
}

}  // namespace
}  // namespace sramsim
