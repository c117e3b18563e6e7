// Values of options that are lists or text. Every error names the option.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sramsim {

/// "32,64, 128" -> {"32","64","128"}. InputError for an empty item.
std::vector<std::string> parse_list(const std::string& option, const std::string& text);

/// A whole number within low..high, nothing behind it. InputError.
int parse_int(const std::string& option, const std::string& text, int low, int high);

/// true/false, on/off, yes/no, 1/0. InputError.
bool parse_bool(const std::string& option, const std::string& text);

}  // namespace sramsim
