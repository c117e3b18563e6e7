#include "host/formats/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <ostream>
#include <streambuf>
#include <system_error>
#include <utility>

#include "kernels/core/error.h"

namespace sramsim {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const char* what, int error) {
  throw RunError(
      fmt::format("{}: cannot {}: {}", path.string(), what, std::generic_category().message(error)));
}

/// An output buffer over a file descriptor that remembers why a write failed, which std::ofstream does not.
class DescriptorBuffer : public std::streambuf {
 public:
  explicit DescriptorBuffer(int fd) : fd_(fd) { setp(buffer_.data(), buffer_.data() + buffer_.size()); }
  int error() const { return error_; }

 protected:
  int_type overflow(int_type c) override {
    if (sync() != 0) return traits_type::eof();
    if (!traits_type::eq_int_type(c, traits_type::eof())) sputc(traits_type::to_char_type(c));
    return traits_type::not_eof(c);
  }
  std::streamsize xsputn(const char* data, std::streamsize count) override {
    if (count < epptr() - pptr()) return std::streambuf::xsputn(data, count);
    return sync() == 0 && write_all(data, count) ? count : 0;  // large blocks skip the buffer
  }
  int sync() override {
    const bool ok = write_all(pbase(), pptr() - pbase());
    setp(buffer_.data(), buffer_.data() + buffer_.size());
    return ok ? 0 : -1;
  }

 private:
  bool write_all(const char* data, std::streamsize count) {
    while (error_ == 0 && count > 0) {
      const ssize_t written = ::write(fd_, data, static_cast<size_t>(count));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        error_ = written < 0 ? errno : EIO;
        break;
      }
      data += written;
      count -= written;
    }
    return error_ == 0;
  }

  int fd_;
  int error_ = 0;
  std::array<char, 1 << 16> buffer_{};
};

/// Owns a descriptor and, until disarm(), the temporary file behind it.
class OpenFile {
 public:
  OpenFile(int fd, fs::path remove) : fd_(fd), remove_(std::move(remove)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!remove_.empty()) ::unlink(remove_.c_str());
  }
  int fd() const { return fd_; }
  int close() { return ::close(std::exchange(fd_, -1)); }
  void disarm() { remove_.clear(); }

 private:
  int fd_;
  fs::path remove_;
};

void write_through(const fs::path& path, int fd, const std::function<void(std::ostream&)>& write) {
  DescriptorBuffer buffer(fd);
  std::ostream out(&buffer);
  write(out);
  out.flush();
  if (buffer.error() != 0) fail(path, "be written", buffer.error());
  if (!out) fail(path, "be written", EIO);
}

/// A pipe, a terminal or a device has no old content to keep and cannot be renamed onto.
void write_in_place(const fs::path& path, const std::function<void(std::ostream&)>& write) {
  OpenFile file(::open(path.c_str(), O_WRONLY | O_CLOEXEC), {});
  if (file.fd() < 0) fail(path, "be opened for writing", errno);
  write_through(path, file.fd(), write);
}

/// Makes a rename survive a power cut. Some file systems cannot flush a folder; that is not an error.
void flush_folder(const fs::path& target, const fs::path& folder) {
  OpenFile file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), {});
  if (file.fd() >= 0 && ::fsync(file.fd()) != 0 && errno == EIO) fail(target, "be flushed to disk", errno);
}

}  // namespace

void write_atomically(const fs::path& path, const std::function<void(std::ostream&)>& write,
                      const std::function<void(int)>& before_rename) {
  std::error_code ignored;
  struct stat old {};
  if (::stat(path.c_str(), &old) == 0 && !S_ISREG(old.st_mode) && !S_ISDIR(old.st_mode))
    return write_in_place(path, write);
  fs::path target = path;
  if (fs::is_symlink(path, ignored)) {  // replace what the link names, not the link
    target = fs::weakly_canonical(path, ignored);
    if (ignored) fail(path, "be written", ignored.value());
  }
  const bool exists = ::stat(target.c_str(), &old) == 0;
  if (exists && S_ISDIR(old.st_mode)) fail(path, "be written", EISDIR);
  if (exists && ::faccessat(AT_FDCWD, target.c_str(), W_OK, AT_EACCESS) != 0) fail(path, "be written", errno);

  static std::atomic<unsigned> counter{0};
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  const fs::path temporary = folder / fmt::format(".sramsim-{}-{}.tmp", ::getpid(), counter++);
  const int fd = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) fail(path, "be written", errno);
  OpenFile file(fd, temporary);
  if (exists && ::fchmod(fd, old.st_mode & 07777) != 0) fail(path, "be written", errno);
  write_through(path, fd, write);
  if (::fsync(fd) != 0) fail(path, "be flushed to disk", errno);
  if (before_rename) before_rename(fd);
  if (file.close() != 0) fail(path, "be written", errno);
  if (::rename(temporary.c_str(), target.c_str()) != 0) fail(path, "be replaced", errno);
  file.disarm();
  flush_folder(path, folder);
}

void write_atomically(const fs::path& path, std::string_view text) {
  write_atomically(
      path, [text](std::ostream& out) { out.write(text.data(), static_cast<std::streamsize>(text.size())); });
}

}  // namespace sramsim
