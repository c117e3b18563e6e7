// The subcommands of `sramsim`, one file each. Adding a command = one file, one line here and one in
// main.cpp. Each function registers its options; the command itself runs from CLI11's callback and throws
// InputError or RunError.
#pragma once

#include <CLI/App.hpp>

namespace sramsim {

void add_train_command(CLI::App& app);
void add_infer_command(CLI::App& app);
void add_sweep_command(CLI::App& app);
void add_layer_command(CLI::App& app);
void add_cost_command(CLI::App& app);
void add_convert_command(CLI::App& app);

}  // namespace sramsim
