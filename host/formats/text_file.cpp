#include "host/formats/text_file.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "kernels/core/error.h"

namespace sramsim {

std::string read_text_file(const std::string& option, const std::filesystem::path& path) {
  const auto fail = [&](const char* why) {
    throw InputError(fmt::format("{} {}: {}", option, path.string(), why));
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) fail("is a folder, not a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("cannot be read");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) fail("cannot be read");
  return text;
}

}  // namespace sramsim
