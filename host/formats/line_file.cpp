#include "host/formats/line_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "host/formats/atomic_file.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const char* what, int error) {
  throw RunError(
      fmt::format("{}: cannot {}: {}", path.string(), what, std::generic_category().message(error)));
}

/// True if the name still leads to the open file: another process may have replaced it in between.
bool still_named(int fd, const fs::path& path) {
  struct stat opened {
  }, named{};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

void lock(int fd, const fs::path& path) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return;
  const int error = errno;
  if (error == EWOULDBLOCK)
    throw InputError(fmt::format("{}: another process is writing to it", path.string()));
  // Some network file systems have no locks; working without one beats not working.
  if (error != ENOLCK && error != EOPNOTSUPP && error != ENOSYS) fail(path, "be locked", error);
}

}  // namespace

LineFile::LineFile(fs::path path) : path_(std::move(path)) {
  std::error_code ignored;
  if (fs::is_symlink(path_, ignored)) {  // replace what the link names, not the link
    const fs::path target = fs::weakly_canonical(path_, ignored);
    if (!ignored) path_ = target;
  }
  try {
    open();
    read();
  } catch (...) {
    if (fd_ >= 0) ::close(fd_);
    throw;
  }
}

LineFile::~LineFile() {
  if (created_ && empty_) ::unlink(path_.c_str());
  if (fd_ >= 0) ::close(fd_);
}

void LineFile::open() {
  for (;;) {
    struct stat status {};
    created_ = ::stat(path_.c_str(), &status) != 0;
    regular_ = created_ || S_ISREG(status.st_mode);
    fd_ = ::open(path_.c_str(), regular_ ? O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC : O_WRONLY | O_CLOEXEC,
                 0666);
    if (fd_ < 0) fail(path_, "be opened for writing", errno);
    if (!regular_) return;
    lock(fd_, path_);
    if (still_named(fd_, path_)) return;
    ::close(fd_);
  }
}

void LineFile::read() {
  lines_.clear();
  rest_.clear();
  if (!regular_) return;
  std::string text;
  char block[1 << 16];
  for (;;) {
    const ssize_t got = ::pread(fd_, block, sizeof block, static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path_, "be read", errno);
    if (got == 0) break;
    text.append(block, static_cast<size_t>(got));
  }
  empty_ = text.empty();
  size_t begin = 0;
  for (size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines_.push_back(text.substr(begin, end - begin));
  rest_ = text.substr(begin);
}

void LineFile::append(std::string_view line) {
  const std::string text = std::string(line) + "\n";
  for (size_t done = 0; done < text.size();) {
    const ssize_t written = ::write(fd_, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail(path_, "be written", written < 0 ? errno : EIO);
    done += static_cast<size_t>(written);
    empty_ = false;
  }
  if (regular_ && ::fdatasync(fd_) != 0) fail(path_, "be flushed to disk", errno);
}

void LineFile::replace(const std::vector<std::string>& lines) {
  if (!regular_) return;
  const int old = fd_;
  int made = -1;
  // The new file is locked before it takes the name, so that no moment is left in which nobody holds the
  // name.
  write_atomically(
      path_,
      [&](std::ostream& out) {
        for (const std::string& line : lines) out << line << '\n';
      },
      [&](int fd) {
        made = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (made < 0) fail(path_, "be replaced", errno);
        ::fcntl(made, F_SETFL, O_APPEND);
        lock(made, path_);
      });
  fd_ = made;
  ::close(old);
  read();
}

void LineFile::move_away(const fs::path& to) {
  if (!regular_ || empty_) return;
  if (::rename(path_.c_str(), to.c_str()) != 0) fail(path_, "be moved away", errno);
  const int old = fd_;
  open();
  ::close(old);
  read();
}

}  // namespace sramsim
