// Lines of comma-separated values (RFC 4180) whose fields hold no line breaks.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sramsim {

/// One line without its line break; fields with commas or quotes are quoted. Line breaks inside a field
/// become blanks, so that a row always is one line.
std::string csv_line(const std::vector<std::string>& fields);

/// The fields of one line, or nothing if its quotes do not match.
std::optional<std::vector<std::string>> parse_csv_line(std::string_view line);

}  // namespace sramsim
