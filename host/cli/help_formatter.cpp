#include "host/cli/help_formatter.h"

#include <fmt/format.h>

#include <CLI/Formatter.hpp>
#include <sstream>

namespace sramsim {
namespace {

constexpr size_t kNameColumn = 30;
constexpr size_t kWidth = 100;

/// "  name    text ...", the text wrapped at kWidth and aligned at kNameColumn.
std::string entry(const std::string& name, const std::string& text) {
  std::string line = "  " + name;
  if (line.size() + 2 > kNameColumn) line += "\n" + std::string(kNameColumn, ' ');
  std::string result;
  line.resize(std::max(line.size(), kNameColumn), ' ');
  size_t column = kNameColumn;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (column > kNameColumn && column + 1 + word.size() > kWidth) {
      result += line + "\n";
      line.assign(kNameColumn, ' ');
      column = kNameColumn;
    }
    if (column > kNameColumn) line += " ";
    column += word.size() + (column > kNameColumn ? 1 : 0);
    line += word;
  }
  return result + line + "\n";
}

}  // namespace

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  // CLI11 appends its checks to the type's name after a colon; the explanations say them better.
  const std::string type = option->get_type_name();
  std::string name = make_option_name(option, is_positional);
  std::string text = option->get_description();
  if (option->get_type_size() != 0) {
    name += " " + type.substr(0, type.find(':'));
    if (option->get_required()) text += " (required)";
    if (!option->get_default_str().empty()) text += fmt::format(" [default: {}]", option->get_default_str());
  }
  return entry(name, text);
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  return entry(command->get_name(), command->get_description());
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
  for (size_t at; (at = text.find("\n\n\n")) != std::string::npos;) text.erase(at, 1);
  while (text.size() > 1 && text[text.size() - 1] == '\n' && text[text.size() - 2] == '\n') text.pop_back();
  return text;
}

}  // namespace sramsim
