// Options from a TOML file, as arguments that stand before the user's own: the last one wins.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace sramsim {

/// `arguments` as typed, without the program's name: {"infer", "--config", "run.toml", "--limit", "5"}. If
/// they hold --config, returns {"infer", <options of the file>, <the rest as typed>}; else returns them
/// unchanged. Keys are option names without the dashes (underscores or dashes), at the top of the file or in
/// a table named as the command; tables of other commands are left alone, so that one file can serve all.
/// Arrays become comma lists. InputError naming file and line for a key that is no option of the command, a
/// value that is no number, string, boolean or flat array, or bad TOML.
std::vector<std::string> expand_config(const CLI::App& app, std::vector<std::string> arguments);

}  // namespace sramsim
