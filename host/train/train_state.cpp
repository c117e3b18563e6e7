#include "host/train/train_state.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "kernels/core/error.h"

namespace sramsim {
namespace {

using nlohmann::json;

constexpr const char* kStateKey = "sramsim.train";
constexpr const char* kOptimizerPrefix = "optimizer.";

json record_json(const EpochRecord& r) {
  return {{"epoch", r.epoch},
          {"lr", r.lr},
          {"loss", r.loss},
          {"train_accuracy", r.train_accuracy},
          {"test_loss", r.test_loss},
          {"test_accuracy", r.test_accuracy},
          {"images_per_second", r.images_per_second},
          {"seconds", r.seconds},
          {"alphas", r.alphas}};
}

EpochRecord record_from(const json& j) {
  return {.epoch = j.at("epoch").get<int>(),
          .lr = j.at("lr").get<double>(),
          .loss = j.at("loss").get<double>(),
          .train_accuracy = j.at("train_accuracy").get<double>(),
          .test_loss = j.at("test_loss").get<double>(),
          .test_accuracy = j.at("test_accuracy").get<double>(),
          .images_per_second = j.at("images_per_second").get<double>(),
          .seconds = j.at("seconds").get<double>(),
          .alphas = j.at("alphas").get<std::vector<double>>()};
}

json state_json(const TrainState& state) {
  json history = json::array();
  for (const EpochRecord& record : state.history) history.push_back(record_json(record));
  return {{"settings", state.settings},
          {"epoch", state.epoch},
          {"step", state.step},
          {"loss_sum", static_cast<double>(state.totals.loss)},
          {"correct", state.totals.correct},
          {"epoch_seconds", state.epoch_seconds},
          {"best_accuracy", state.best_accuracy},
          {"dataset_crc", state.dataset_crc},
          {"threads", state.threads},
          {"device", state.device},
          {"history", std::move(history)}};
}

Checkpoint make_checkpoint(const TrainingNetwork& network, const TrainState& state, bool optimizer) {
  Checkpoint checkpoint{network.spec(), {}};
  const ParameterSet& parameters = network.parameters();
  for (int id = 0; id < parameters.size(); ++id) {
    const std::string& name = parameters.at(id).name;
    checkpoint.file.tensors[name] = parameters.download_value(id);
    if (optimizer) checkpoint.file.tensors[kOptimizerPrefix + name] = parameters.download_momentum(id);
  }
  checkpoint.file.metadata[kStateKey] = state_json(state).dump();
  return checkpoint;
}

}  // namespace

void save_training(const std::filesystem::path& path, const TrainingNetwork& network,
                   const TrainState& state) {
  save_checkpoint(path, make_checkpoint(network, state, true));
}

void save_trained(const std::filesystem::path& path, const TrainingNetwork& network,
                  const TrainState& state) {
  save_checkpoint(path, make_checkpoint(network, state, false));
}

TrainState read_train_state(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  const auto entry = checkpoint.file.metadata.find(kStateKey);
  if (entry == checkpoint.file.metadata.end())
    throw InputError(
        fmt::format("{}: no training state in it, so there is nothing to resume", path.string()));
  TrainState state;
  try {
    const json j = json::parse(entry->second);
    state.settings = j.at("settings").get<TrainSettings>();
    j.at("epoch").get_to(state.epoch);
    j.at("step").get_to(state.step);
    state.totals.loss = static_cast<float>(j.at("loss_sum").get<double>());
    j.at("correct").get_to(state.totals.correct);
    j.at("epoch_seconds").get_to(state.epoch_seconds);
    j.at("best_accuracy").get_to(state.best_accuracy);
    j.at("dataset_crc").get_to(state.dataset_crc);
    j.at("threads").get_to(state.threads);
    j.at("device").get_to(state.device);
    for (const json& record : j.at("history")) state.history.push_back(record_from(record));
    state.settings.resolve();
    if (state.epoch < 0 || state.step < 0) throw InputError("a negative position");
  } catch (const json::exception& e) {
    throw InputError(fmt::format("{}: training state: {}", path.string(), e.what()));
  } catch (const InputError& e) {
    throw InputError(fmt::format("{}: training state: {}", path.string(), e.what()));
  }
  return state;
}

void load_tensors(const std::filesystem::path& path, const Checkpoint& checkpoint, TrainingNetwork& network) {
  ParameterSet& parameters = network.parameters();
  const auto find = [&](const std::string& name, const Parameter& p) -> const HostTensor& {
    const auto it = checkpoint.file.tensors.find(name);
    if (it == checkpoint.file.tensors.end())
      throw InputError(
          fmt::format("{}: tensor '{}' is missing, so training cannot resume", path.string(), name));
    if (it->second.dtype != DType::kF32 || it->second.shape != p.shape)
      throw InputError(fmt::format("{}: tensor '{}' has the wrong type or shape", path.string(), name));
    return it->second;
  };
  for (int id = 0; id < parameters.size(); ++id) {
    const Parameter& p = parameters.at(id);
    parameters.upload_value(id, find(p.name, p));
    parameters.upload_momentum(id, find(kOptimizerPrefix + p.name, p));
  }
}

}  // namespace sramsim
