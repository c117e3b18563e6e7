#include "host/util/parse.h"

#include <fmt/format.h>

#include <charconv>

#include "kernels/core/error.h"

namespace sramsim {

std::vector<std::string> parse_list(const std::string& option, const std::string& text) {
  std::vector<std::string> items;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    std::string item = text.substr(begin, end - begin);
    item.erase(0, item.find_first_not_of(' '));
    item.erase(item.find_last_not_of(' ') + 1);
    if (item.empty()) throw InputError(fmt::format("{} '{}': an item of the list is empty", option, text));
    items.push_back(std::move(item));
    begin = end + 1;
  }
  return items;
}

int parse_int(const std::string& option, const std::string& text, int low, int high) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    throw InputError(fmt::format("{} '{}': must be a whole number, {}..{}", option, text, low, high));
  return value;
}

bool parse_bool(const std::string& option, const std::string& text) {
  for (const char* word : {"true", "on", "yes", "1"})
    if (text == word) return true;
  for (const char* word : {"false", "off", "no", "0"})
    if (text == word) return false;
  throw InputError(fmt::format("{} '{}': must be true or false", option, text));
}

}  // namespace sramsim
