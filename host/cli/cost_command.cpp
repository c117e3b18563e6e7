// sramsim cost: the mapping and the cost of a network, from its shapes alone: nothing is run.
#include "host/cli/cost_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "host/cli/array_options.h"
#include "host/cli/commands.h"
#include "host/cli/common.h"
#include "host/cost/adc_cost.h"
#include "host/cost/cost_report.h"
#include "host/formats/atomic_file.h"
#include "host/sweep/array_axes.h"
#include "host/util/version.h"
#include "kernels/core/error.h"
#include "models/seed_network.h"

namespace sramsim {
namespace {

struct CostCommand {
  CommonOptions common;
  ArrayOptions array;
  CostFlags cost;
  std::string checkpoint;
  int wbits = 0, abits = 0;
  bool map_linear = false;
  std::optional<double> bit_density;
  bool print_table = false;
  std::string json;
};

NetworkSpec network_of(const CostCommand& command) {
  std::error_code failed;
  if (!command.checkpoint.empty() && !std::filesystem::exists(command.checkpoint, failed))
    throw InputError(fmt::format("--checkpoint {}: there is no such file", command.checkpoint));
  NetworkSpec network =
      command.checkpoint.empty() ? seed_network() : load_checkpoint(command.checkpoint).network;
  auto given = [](int bits) { return bits == 0 ? std::nullopt : std::optional(bits); };
  override_bits(network, given(command.wbits), given(command.abits));
  return network;
}

void cost(const CostCommand& command) {
  if (command.print_table) {
    fmt::print("{}", default_cost_table_text());
    return;
  }
  const ArraySettings settings = command.array.settings();
  check_outputs({{"--json", command.json}}, {{"--checkpoint", command.checkpoint},
                                             {"--cost-table", command.cost.table},
                                             {"--config", command.common.config}});
  const CostTable table = command.cost.load();
  CostOptions options = command.cost.options();
  if (command.bit_density) options.bit_density = {*command.bit_density};
  const NetworkSpec network = network_of(command);
  const CostReport report =
      cost_of(network, uniform_settings(network, settings, command.map_linear), table, options);

  if (!command.json.empty()) {
    nlohmann::json j = to_json(report, table);
    j["checkpoint"] = command.checkpoint;
    j["wbits"] = network.weight_bits;
    j["abits"] = network.act_bits;
    j["version"] = version_line();
    write_atomically(command.json, j.dump(2) + "\n");
  }
  if (command.common.quiet) return;
  fmt::print("network   {}, {}-bit weights, {}-bit activations\n", network.name, network.weight_bits,
             network.act_bits);
  fmt::print("arrays    {}; linear layers {}\n", describe(settings),
             command.map_linear ? "on arrays too" : "digital");
  fmt::print("columns   {} per subarray, {} per ADC\n", report.geometry.columns,
             report.geometry.columns_per_adc);
  fmt::print("costs     {}; ADC energy after the model '{}' ({})\n\n{}", report.table, report.adc_model,
             find_adc_cost_model(report.adc_model).summary, to_text(report));
}

void add_network_options(CLI::App& command, CostCommand& options) {
  command
      .add_option("--checkpoint", options.checkpoint,
                  "take the network of this checkpoint; without one, the seed network")
      ->type_name("FILE");
  command.add_option("--wbits", options.wbits, "weight bits B, 2..8; 0 takes the network's")
      ->type_name("BITS");
  command.add_option("--abits", options.abits, "activation bits A, 1..8; 0 takes the network's")
      ->type_name("BITS");
}

}  // namespace

CostTable CostFlags::load() const {
  if (table.empty()) return default_cost_table();
  try {
    return load_cost_table(table);
  } catch (const InputError& e) {
    throw InputError(fmt::format("--cost-table {}", e.what()));
  }
}

CostOptions CostFlags::options() const {
  try {
    if (!adc_cost.empty()) find_adc_cost_model(adc_cost);
  } catch (const InputError& e) {
    throw InputError(fmt::format("--adc-cost: {}", e.what()));
  }
  return {.geometry = geometry, .adc_model = adc_cost, .bit_density = {}};
}

void add_cost_options(CLI::App& command, CostFlags& flags) {
  const std::string group = "Hardware cost";
  command.add_option("--array-columns", flags.geometry.columns, "columns of one subarray, one bit each")
      ->check(CLI::Range(1, 1 << 20))
      ->type_name("N")
      ->group(group);
  command
      .add_option("--columns-per-adc", flags.geometry.columns_per_adc,
                  "columns that share one ADC through a multiplexer, converted one after the other")
      ->check(CLI::Range(1, 1 << 20))
      ->type_name("N")
      ->group(group);
  std::string models;
  for (const AdcCostModel& model : adc_cost_models())
    models += fmt::format("{}{}: {}", models.empty() ? "" : "; ", model.name, model.summary);
  command
      .add_option("--adc-cost", flags.adc_cost,
                  fmt::format("energy and area of an ADC; {}. Empty takes the cost table's", models))
      ->type_name("MODEL")
      ->group(group);
  command
      .add_option("--cost-table", flags.table,
                  "TOML file with entries that replace those of the built-in table (sramsim cost "
                  "--print-table shows it)")
      ->type_name("FILE")
      ->group(group);
}

void add_cost_command(CLI::App& app) {
  auto options = std::make_shared<CostCommand>();
  CLI::App* command = add_command(
      app, "cost",
      "subarrays, ADC conversions, energy, latency and area of a network on subarrays, without running it");
  add_network_options(*command, *options);
  add_array_options(*command, options->array);
  command
      ->add_flag("--map-linear", options->map_linear,
                 "put linear layers on subarrays too; else they are digital")
      ->group("Subarrays");
  add_cost_options(*command, options->cost);
  command
      ->add_option("--bit-density", options->bit_density,
                   "share of input bits that are set, 0..1, for the wordlines; without it every bit counts")
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("SHARE")
      ->group("Hardware cost");
  command->add_flag("--print-table", options->print_table, "print the built-in cost table as TOML and end")
      ->group("Output");
  command->add_option("--json", options->json, "write everything as JSON, with the sources of the cost table")
      ->type_name("FILE")
      ->group("Output");
  add_common_options(*command, options->common);
  command->callback([options] { cost(*options); });
}

}  // namespace sramsim
