// A text file that one process at a time extends line by line, so that a kill or a power cut loses at most
// the line that was being written.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sramsim {

/// The lock (flock) belongs to the file itself and follows it through replace(): no lock file is left behind.
/// A pipe or a device (/dev/stdout) is only written to: it has no lines to read and is never replaced.
class LineFile {
 public:
  /// Opens or creates, and locks. InputError if another process holds the lock, RunError naming the file if
  /// it cannot be opened.
  explicit LineFile(std::filesystem::path path);
  /// Removes the file again if it was created here and holds nothing.
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// The lines that end in a line break, without it, as they were when the file was opened or replaced.
  const std::vector<std::string>& lines() const { return lines_; }
  /// What stood behind the last line break: a line that was cut off while it was written.
  const std::string& rest() const { return rest_; }

  /// Writes `line` and a line break and flushes them to disk. RunError.
  void append(std::string_view line);
  /// Replaces the whole content, at once or not at all; the lock stays. RunError.
  void replace(const std::vector<std::string>& lines);
  /// Moves the file to `to` (replacing what is there) and goes on with an empty one. RunError.
  void move_away(const std::filesystem::path& to);

 private:
  void open();
  void read();

  std::filesystem::path path_;
  int fd_ = -1;
  bool regular_ = true, created_ = false, empty_ = true;
  std::vector<std::string> lines_;
  std::string rest_;
};

}  // namespace sramsim
