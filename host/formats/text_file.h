// A small text file, whole.
#pragma once

#include <filesystem>
#include <string>

namespace sramsim {

/// InputError naming `option` if the file cannot be read.
std::string read_text_file(const std::string& option, const std::filesystem::path& path);

}  // namespace sramsim
