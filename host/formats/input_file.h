// A file opened for reading whose size is known, so that a reader can check every size that a header claims
// against it before allocating anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace sramsim {

class InputFile {
 public:
  /// InputError if the file is missing, unreadable or not a regular file.
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

  /// Reads exactly `count` bytes at `offset`; InputError if the file ends before.
  void read(uint64_t offset, void* to, size_t count) const;
  /// Up to `count` first bytes: what the kind of a file is told by.
  std::string head(size_t count) const;
  /// Throws InputError("<path>: <what>").
  [[noreturn]] void fail(std::string_view what) const;

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

/// Text from a file made fit for one line of an error message: control bytes are replaced, long text is cut.
std::string printable(std::string_view text);

}  // namespace sramsim
