#include "host/cost/cost_table.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>

#include "host/cost/adc_cost.h"
#include "host/formats/input_file.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

constexpr uint64_t kMaxFileBytes = 1 << 20;

const CostEntry* find_entry(std::string_view name) {
  const auto entries = cost_entries();
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const CostEntry& e) { return name == e.name; });
  return found == entries.end() ? nullptr : &*found;
}

/// True if `group` is the first part of an entry's name: "adc", "adc.murmann".
bool is_group(const std::string& group) {
  const auto entries = cost_entries();
  return std::any_of(entries.begin(), entries.end(),
                     [&](const CostEntry& e) { return std::string_view(e.name).starts_with(group + "."); });
}

/// One file on top of a table.
class Reader {
 public:
  Reader(CostTable& table, std::string origin) : table_(table), origin_(std::move(origin)) {}

  void read(const toml::table& file) {
    for (auto&& [key, node] : file) {
      const std::string name(key.str());
      if (name == "name")
        table_.name = text_of(name, node);
      else if (name == "adc_model")
        table_.adc_model = adc_model_of(node);
      else
        read_node(name, node);
    }
  }

 private:
  void read_node(const std::string& name, const toml::node& node) {
    if (const CostEntry* entry = find_entry(name)) {
      table_.*entry->member = quantity(*entry, node);
      return;
    }
    const toml::table* group = node.as_table();
    if (!group || !is_group(name)) fail(name, node, "there is no such entry");
    for (auto&& [key, child] : *group) read_node(name + "." + std::string(key.str()), child);
  }

  Quantity quantity(const CostEntry& entry, const toml::node& node) {
    const std::string name = entry.name;
    const toml::table* fields = node.as_table();
    if (!fields) fail(name, node, "must be { value = NUMBER, unit = \"...\", source = \"...\" }");
    for (auto&& [key, field] : *fields)
      if (key.str() != "value" && key.str() != "unit" && key.str() != "source")
        fail(name, field, fmt::format("'{}' is none of value, unit, source", printable(key.str())));
    Quantity q;
    q.value = value_of(name, *fields, node);
    q.unit = text_field(name, *fields, "unit", node);
    q.source = text_field(name, *fields, "source", node);
    const Unit* unit = find_unit(q.unit);
    if (!unit) fail(name, node, fmt::format("unknown unit '{}', give {}", printable(q.unit), allowed(entry)));
    if (!fits(entry.dimension, unit->dimension))
      fail(name, node,
           fmt::format("'{}' is {}, give {} ({})", q.unit, to_string(unit->dimension),
                       to_string(entry.dimension), allowed(entry)));
    if (q.value < 0 && !entry.may_be_negative) fail(name, node, fmt::format("{} is negative", q.value));
    q.dimension = unit->dimension;
    q.si = q.value * unit->si;
    return q;
  }

  static bool fits(Dimension wanted, Dimension given) {
    return wanted == given || (wanted == Dimension::kEnergy && given == Dimension::kCapacitance);
  }
  static std::string allowed(const CostEntry& entry) {
    const bool energy = entry.dimension == Dimension::kEnergy;
    return unit_names(entry.dimension) + (energy ? ", or " + unit_names(Dimension::kCapacitance) : "");
  }

  double value_of(const std::string& name, const toml::table& fields, const toml::node& at) {
    const toml::node* node = fields.get("value");
    if (!node) fail(name, at, "has no value");
    const auto value = node->value<double>();
    if (!node->is_number() || !value) fail(name, *node, "its value is not a number");
    if (!std::isfinite(*value)) fail(name, *node, "its value is not finite");
    return *value;
  }

  std::string text_field(const std::string& name, const toml::table& fields, const char* key,
                         const toml::node& at) {
    const toml::node* node = fields.get(key);
    if (!node) fail(name, at, fmt::format("has no {}", key));
    return text_of(fmt::format("{}.{}", name, key), *node);
  }

  std::string text_of(const std::string& name, const toml::node& node) {
    const auto* text = node.as_string();
    if (!text || text->get().empty()) fail(name, node, "must be a text in quotes");
    return printable(text->get());
  }

  std::string adc_model_of(const toml::node& node) {
    std::string model = text_of("adc_model", node);
    try {
      find_adc_cost_model(model);
    } catch (const InputError& e) {
      fail("adc_model", node, e.what());
    }
    return model;
  }

  [[noreturn]] void fail(const std::string& entry, const toml::node& node, const std::string& what) const {
    throw InputError(
        fmt::format("{}: line {}: {}: {}", origin_, node.source().begin.line, printable(entry), what));
  }

  CostTable& table_;
  std::string origin_;
};

void read_into(CostTable& table, std::string_view text, const std::string& origin) {
  try {
    Reader(table, origin).read(toml::parse(text, origin));
  } catch (const toml::parse_error& e) {
    throw InputError(
        fmt::format("{}: line {}: {}", origin, e.source().begin.line, printable(e.description())));
  }
}

/// Values that would divide by nothing, whatever file they come from.
void check(const CostTable& table, const std::string& origin) {
  for (const auto member : {&CostTable::supply, &CostTable::node, &CostTable::lanes, &CostTable::clock,
                            &CostTable::envelope_walden_corner, &CostTable::envelope_schreier_corner})
    for (const CostEntry& entry : cost_entries())
      if (entry.member == member && !((table.*member).si > 0))
        throw InputError(fmt::format("{}: {}: must be greater than 0", origin, entry.name));
  if (!(table.adc_time_per_bit.si + table.adc_time_per_bit_row.si > 0))
    throw InputError(fmt::format("{}: adc.time_per_bit: a conversion must take some time", origin));
}

CostTable make_default() {
  CostTable table;
  read_into(table, default_cost_table_text(), "built-in cost table");
  return table;
}

}  // namespace

const CostTable& default_cost_table() {
  static const CostTable table = make_default();
  return table;
}

CostTable parse_cost_table(std::string_view text, const std::string& origin) {
  CostTable table = default_cost_table();
  table.name = fmt::format("{} on top of the built-in table", origin);
  read_into(table, text, origin);
  check(table, origin);
  return table;
}

CostTable load_cost_table(const std::filesystem::path& path) {
  const InputFile file(path);
  if (file.size() > kMaxFileBytes) file.fail("is too large for a cost table");
  return parse_cost_table(file.head(file.size()), path.string());
}

}  // namespace sramsim
