#include "host/train/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "kernels/conv_backward/conv_backward.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

void require(bool ok, const char* option, const std::string& value, const char* wanted) {
  if (!ok) throw InputError(fmt::format("--{} {}: must be {}", option, value, wanted));
}

bool parse_number(const std::string& text, float& value) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end;
}

}  // namespace

void TrainSettings::resolve() {
  const auto number = [](auto v) { return fmt::format("{}", v); };
  require(epochs >= 1, "epochs", number(epochs), "at least 1");
  require(batch >= 1 && batch <= 65536, "batch", number(batch), "1 to 65536");
  require(std::isfinite(lr) && lr > 0, "lr", number(lr), "a positive number");
  require(momentum >= 0 && momentum < 1, "momentum", number(momentum), "at least 0 and below 1");
  require(std::isfinite(weight_decay) && weight_decay >= 0, "weight-decay", number(weight_decay),
          "a number of at least 0");
  require(std::isfinite(lr_factor) && lr_factor > 0, "lr-factor", number(lr_factor), "a positive number");
  require(std::isfinite(alpha_lambda) && alpha_lambda >= 0, "alpha-lambda", number(alpha_lambda),
          "a number of at least 0");
  require(loss == "ce" || loss == "mse", "loss", loss, "ce or mse");
  float value = 0;
  require(alpha_from_data() || (parse_number(alpha_init, value) && std::isfinite(value) && value > 0),
          "alpha-init", alpha_init, "a positive number or 'data'");
  require(limit >= 0, "limit", number(limit), "at least 0");
  for (const int step : lr_steps)
    require(step >= 0, "lr-steps", number(step), "a list of epochs, counted from 0");
  parse_conv_backward(backward);
  if (lr_steps.empty()) lr_steps = {std::max(1, epochs * 2 / 3), std::max(1, epochs * 5 / 6)};
}

double TrainSettings::rate(int epoch) const {
  double rate = lr;
  for (const int step : lr_steps)
    if (epoch >= step) rate *= lr_factor;
  return rate;
}

float TrainSettings::alpha_value() const {
  float value = 1.0f;
  parse_number(alpha_init, value);
  return value;
}

void to_json(nlohmann::json& j, const TrainSettings& s) {
  j = {{"epochs", s.epochs},
       {"batch", s.batch},
       {"lr", s.lr},
       {"momentum", s.momentum},
       {"weight-decay", s.weight_decay},
       {"lr-steps", s.lr_steps},
       {"lr-factor", s.lr_factor},
       {"loss", s.loss},
       {"alpha-init", s.alpha_init},
       {"alpha-lambda", s.alpha_lambda},
       {"seed", s.seed},
       {"backward", s.backward},
       {"limit", s.limit}};
}

void from_json(const nlohmann::json& j, TrainSettings& s) {
  try {
    j.at("epochs").get_to(s.epochs);
    j.at("batch").get_to(s.batch);
    j.at("lr").get_to(s.lr);
    j.at("momentum").get_to(s.momentum);
    j.at("weight-decay").get_to(s.weight_decay);
    j.at("lr-steps").get_to(s.lr_steps);
    j.at("lr-factor").get_to(s.lr_factor);
    j.at("loss").get_to(s.loss);
    j.at("alpha-init").get_to(s.alpha_init);
    j.at("alpha-lambda").get_to(s.alpha_lambda);
    j.at("seed").get_to(s.seed);
    j.at("backward").get_to(s.backward);
    j.at("limit").get_to(s.limit);
  } catch (const nlohmann::json::exception& e) {
    throw InputError(fmt::format("training settings: {}", e.what()));
  }
}

}  // namespace sramsim
