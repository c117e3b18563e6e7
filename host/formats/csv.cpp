#include "host/formats/csv.h"

#include <algorithm>

namespace sramsim {
namespace {

std::string csv_field(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string quoted(1, '"');
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  quoted.push_back('"');
  return quoted;
}

}  // namespace

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const std::string& field : fields) {
    if (&field != &fields.front()) line.push_back(',');
    line += csv_field(field);
  }
  return line;
}

std::optional<std::vector<std::string>> parse_csv_line(std::string_view line) {
  std::vector<std::string> fields;
  if (line.ends_with('\r')) line.remove_suffix(1);
  for (size_t at = 0;; ++at) {
    std::string field;
    if (at < line.size() && line[at] == '"') {
      for (++at;; ++at) {
        if (at >= line.size()) return std::nullopt;
        if (line[at] == '"' && (at + 1 >= line.size() || line[at + 1] != '"')) break;
        if (line[at] == '"') ++at;
        field.push_back(line[at]);
      }
      ++at;
      if (at < line.size() && line[at] != ',') return std::nullopt;
    } else {
      while (at < line.size() && line[at] != ',') field.push_back(line[at++]);
    }
    fields.push_back(std::move(field));
    if (at >= line.size()) return fields;
  }
}

}  // namespace sramsim
