// Writes that either happen whole or not at all.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string_view>

namespace sramsim {

/// Calls `write` on a temporary file in the target's folder, flushes it to disk and renames it onto `path`.
/// RunError naming the file and the system's reason (no space, no permission, no such folder); the old file
/// then stays. `before_rename`, if given, gets the descriptor of the flushed temporary file (open for reading
/// and writing) before it takes the name; it is not called for a pipe or a device.
void write_atomically(const std::filesystem::path& path, const std::function<void(std::ostream&)>& write,
                      const std::function<void(int)>& before_rename = {});
void write_atomically(const std::filesystem::path& path, std::string_view text);

}  // namespace sramsim
