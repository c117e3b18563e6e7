#include "host/sweep/grid_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "host/formats/text_file.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

constexpr size_t kLongestRange = 10'000;

std::string setting_name(const toml::key& key) {
  std::string name(key.str());
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

bool is_setting(const std::string& name) {
  const auto& all = point_settings();
  return std::any_of(all.begin(), all.end(), [&](const PointSetting& s) { return s.name == name; });
}

class GridReader {
 public:
  explicit GridReader(const std::filesystem::path& path) : path_(path.string()) {}

  Grid read() {
    const toml::table file = parse();
    for (auto&& [key, node] : file) {
      if (key == "layer")
        read_layers(node);
      else if (key == "exclude")
        read_exclusions(node);
      else
        set("", key, node);
    }
    return std::move(grid_);
  }

 private:
  toml::table parse() const {
    try {
      return toml::parse(read_text_file("--grid", path_), path_);
    } catch (const toml::parse_error& e) {
      throw InputError(fmt::format("--grid {}: line {}: {}", path_, e.source().begin.line, e.description()));
    }
  }

  void set(const std::string& layer, const toml::key& key, const toml::node& node) {
    at(node, [&] { grid_.set(setting_name(key), values(node), layer); });
  }

  void read_layers(const toml::node& node) {
    if (!node.is_table()) fail(node, "'layer' must be tables: [layer.conv1]");
    for (auto&& [layer, settings] : *node.as_table()) {
      if (!settings.is_table())
        fail(settings, fmt::format("[layer] must hold tables: [layer.{}]", layer.str()));
      for (auto&& [key, value] : *settings.as_table()) set(std::string(layer.str()), key, value);
    }
  }

  void read_exclusions(const toml::node& node) {
    const toml::array* list = node.as_array();
    if (!list) fail(node, "'exclude' must be tables: [[exclude]]");
    for (const toml::node& item : *list) {
      const toml::table* table = item.as_table();
      if (!table || table->empty()) fail(item, "[[exclude]] must name settings");
      Exclusion exclusion;
      for (auto&& [key, value] : *table) {
        const toml::table* of_layer = is_setting(setting_name(key)) ? nullptr : value.as_table();
        if (!of_layer) add_match(exclusion, "", key, value);
        if (of_layer)  // conv1.adc-bits = 6
          for (auto&& [name, inner] : *of_layer) add_match(exclusion, std::string(key.str()), name, inner);
      }
      grid_.exclude(std::move(exclusion));
    }
  }

  void add_match(Exclusion& exclusion, const std::string& layer, const toml::key& key,
                 const toml::node& node) {
    GridAxis axis{layer, setting_name(key), {}};
    at(node, [&] {
      for (const std::string& text : values(node))
        axis.values.push_back(Grid::checked(axis.name, text, axis.layer));
    });
    exclusion.match.push_back(std::move(axis));
  }

  /// What a setting is given: a value, a range, or a list of both.
  std::vector<std::string> values(const toml::node& node) const {
    if (const auto* table = node.as_table()) return range(*table);
    if (const auto* list = node.as_array()) {
      std::vector<std::string> all;
      for (const toml::node& item : *list) {
        if (item.is_array()) fail(item, "a list in a list");
        const auto some = values(item);
        all.insert(all.end(), some.begin(), some.end());
      }
      return all;
    }
    if (const auto* s = node.as_string()) return {s->get()};
    if (const auto* i = node.as_integer()) return {std::to_string(i->get())};
    if (const auto* d = node.as_floating_point()) return {fmt::format("{}", d->get())};
    if (const auto* b = node.as_boolean()) return {b->get() ? "true" : "false"};
    fail(node, "must be a number, a string, true, false, a range or a list");
  }

  std::vector<std::string> range(const toml::table& table) const {
    bool whole = true;
    const auto member = [&](const char* name) -> std::optional<double> {
      const toml::node* node = table.get(name);
      if (!node) return std::nullopt;
      if (!node->is_number()) fail(*node, fmt::format("'{}' of a range must be a number", name));
      whole = whole && node->is_integer();
      return node->value<double>();
    };
    for (auto&& [key, node] : table)
      if (key != "from" && key != "to" && key != "step" && key != "times")
        fail(node, fmt::format("'{}': a range has from, to and step or times", key.str()));
    const auto from = member("from"), to = member("to"), step = member("step"), times = member("times");
    if (!from || !to || (step && times)) fail(table, "a range has from, to and one of step and times");
    if (step && !(*step > 0)) fail(table, "'step' of a range must be above 0");
    if (times && (!(*times > 1) || !(*from > 0)))
      fail(table, "'times' of a range must be above 1, and 'from' above 0");
    if (*to < *from) fail(table, "'to' of a range must not be below 'from'");
    std::vector<std::string> all;
    // Computed from the start, so that 0.1 added ten times does not miss 1; the last value may be off by
    // rounding.
    const double slack = 1e-9 * (std::abs(*to) + std::abs(*from));
    double value = *from;
    for (size_t i = 0; value <= *to + slack; ++i) {
      if (i == kLongestRange) fail(table, fmt::format("a range of more than {} values", kLongestRange));
      all.push_back(whole ? fmt::format("{:.0f}", value) : fmt::format("{:.12g}", value));
      value = times ? value * *times : *from + static_cast<double>(i + 1) * step.value_or(1.0);
    }
    return all;
  }

  /// Runs `action`, putting file and line before what it says.
  template <typename Action>
  void at(const toml::node& node, const Action& action) const {
    try {
      action();
    } catch (const InputError& e) {
      const std::string what = e.what();
      if (what.starts_with("--grid ")) throw;
      fail(node, what);
    }
  }

  [[noreturn]] void fail(const toml::node& node, const std::string& what) const {
    throw InputError(fmt::format("--grid {}: line {}: {}", path_, node.source().begin.line, what));
  }

  std::string path_;
  Grid grid_;
};

}  // namespace

Grid load_grid(const std::filesystem::path& path) {
  return GridReader(path).read();
}

}  // namespace sramsim
