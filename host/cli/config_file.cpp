#include "host/cli/config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <set>

#include "host/formats/text_file.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

/// The value of the last --config among the arguments, or empty.
std::string config_argument(const std::vector<std::string>& arguments) {
  const std::string flag = "--config";
  std::string path;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == flag && i + 1 < arguments.size()) path = arguments[i + 1];
    if (arguments[i].starts_with(flag + "=")) path = arguments[i].substr(flag.size() + 1);
  }
  return path;
}

const CLI::App* find_command(const CLI::App& app, const std::string& name) {
  const auto found = app.get_subcommands([&](const CLI::App* c) { return c->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

toml::table parse_file(const std::string& path) {
  try {
    return toml::parse(read_text_file("--config", path), path);
  } catch (const toml::parse_error& e) {
    throw InputError(fmt::format("--config {}: line {}: {}", path, e.source().begin.line, e.description()));
  }
}

/// One command's view of the file: collects `--name=value` arguments.
class Collector {
 public:
  Collector(const CLI::App& app, const CLI::App& command, std::string path)
      : app_(app), command_(command), path_(std::move(path)) {}

  /// Top level: options of this command and tables named as commands.
  void add_file(const toml::table& file) {
    for (auto&& [key, node] : file) {
      const std::string name(key.str());
      if (!node.is_table()) {
        add_option(name, node);
        continue;
      }
      const CLI::App* command = find_command(app_, name);
      if (!command) fail(node, fmt::format("[{}] is no command", name));
      if (command == &command_)
        add_table(*node.as_table());
      else
        Collector(app_, *command, path_).add_table(*node.as_table());  // nothing in the file goes unread
    }
  }
  std::vector<std::string> take() { return std::move(arguments_); }

 private:
  void add_table(const toml::table& table) {
    given_.clear();  // a command's table wins over the top level
    for (auto&& [option, value] : table) add_option(std::string(option.str()), value);
  }

  void add_option(std::string name, const toml::node& node) {
    if (node.is_table())
      fail(node, fmt::format("[{}.{}]: settings of single layers go into a file for sweep --grid",
                             command_.get_name(), name));
    std::replace(name.begin(), name.end(), '_', '-');
    const std::string flag = "--" + name;
    if (!given_.insert(name).second) fail(node, fmt::format("'{}' is given twice", name));
    if (name == "config" || !command_.get_option_no_throw(flag))
      fail(node, fmt::format("'{}' is no option of sramsim {}", name, command_.get_name()));
    arguments_.push_back(flag + "=" + text_of(name, node));
  }

  std::string text_of(const std::string& name, const toml::node& node) {
    if (const auto* s = node.as_string()) return s->get();
    if (const auto* i = node.as_integer()) return std::to_string(i->get());
    if (const auto* d = node.as_floating_point()) return fmt::format("{}", d->get());
    if (const auto* b = node.as_boolean()) return b->get() ? "true" : "false";
    const auto* list = node.as_array();
    if (!list || list->empty())
      fail(node, fmt::format("'{}' must be a number, a string, true, false or a list", name));
    std::string joined;
    for (const auto& item : *list) {
      if (item.is_array()) fail(item, fmt::format("'{}' must be a flat list", name));
      joined += (joined.empty() ? "" : ",") + text_of(name, item);
    }
    return joined;
  }

  [[noreturn]] void fail(const toml::node& node, const std::string& what) const {
    throw InputError(fmt::format("--config {}: line {}: {}", path_, node.source().begin.line, what));
  }

  const CLI::App& app_;
  const CLI::App& command_;
  std::string path_;
  std::vector<std::string> arguments_;
  std::set<std::string> given_;
};

}  // namespace

std::vector<std::string> expand_config(const CLI::App& app, std::vector<std::string> arguments) {
  const std::string path = config_argument(arguments);
  const CLI::App* command = arguments.empty() ? nullptr : find_command(app, arguments.front());
  if (path.empty() || !command) return arguments;
  Collector collector(app, *command, path);
  collector.add_file(parse_file(path));
  const auto options = collector.take();
  arguments.insert(arguments.begin() + 1, options.begin(), options.end());
  return arguments;
}

}  // namespace sramsim
