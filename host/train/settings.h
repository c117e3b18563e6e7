// Everything that decides the result of a training run. Stored in its checkpoints, so that --resume continues
// the same run.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace sramsim {

/// Defaults: the reference recipe.
struct TrainSettings {
  int epochs = 30;
  int batch = 128;
  double lr = 0.1;
  double momentum = 0.9;
  double weight_decay = 0.0;
  /// Epochs (counted from 0) at whose start the rate is multiplied by lr_factor. Empty until resolve():
  /// 2/3 and 5/6 of the run.
  std::vector<int> lr_steps;
  double lr_factor = 0.1;
  std::string loss = "ce";        ///< "ce" (softmax cross-entropy) or "mse" (on one-hot labels)
  std::string alpha_init = "10";  ///< a number, or "data": from the first batch's activations
  double alpha_lambda = 1e-5;     ///< lambda of the loss term lambda * sum(alpha^2)
  uint64_t seed = 1;
  std::string backward = "auto";  ///< how convolution gradients are formed
  int64_t limit = 0;              ///< train on the first images only; 0 = all

  /// Fills lr_steps and checks every value. InputError naming the option.
  void resolve();
  /// Of this epoch.
  double rate(int epoch) const;
  bool alpha_from_data() const { return alpha_init == "data"; }
  float alpha_value() const;  ///< of a numeric alpha_init

  friend bool operator==(const TrainSettings&, const TrainSettings&) = default;
};

/// Keys are the names of the options: "epochs", "lr-steps", ...
void to_json(nlohmann::json& j, const TrainSettings& settings);
/// InputError for missing or mistyped entries.
void from_json(const nlohmann::json& j, TrainSettings& settings);

}  // namespace sramsim
