#include "host/formats/atomic_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ostream>
#include <stdexcept>

#include "tests/formats/scratch.h"

namespace sramsim {
namespace {

namespace fs = std::filesystem;

std::string run_error_of(const std::function<void()>& action) {
  return error_of<RunError>(action);
}

/// Files of this process cannot grow beyond `bytes`: what a full disk or an exceeded quota looks like.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit old_{};
  sighandler_t handler_;
};

TEST(AtomicFile, WritesAndReplaces) {
  Scratch scratch;
  write_atomically(scratch / "a.txt", "first");
  EXPECT_EQ(read_bytes(scratch / "a.txt"), "first");
  write_atomically(scratch / "a.txt", [](std::ostream& out) {
    for (int i = 0; i < 100000; ++i) out << i << '\n';
  });
  const std::string text = read_bytes(scratch / "a.txt");
  EXPECT_EQ(text.size(), 588890u);
  EXPECT_TRUE(text.ends_with("\n99999\n"));
  EXPECT_EQ(scratch.entries(), 1u);
}

TEST(AtomicFile, WritesLargeBlocksInOrder) {
  Scratch scratch;
  const std::string block(1 << 18, 'x');
  write_atomically(scratch / "a", [&](std::ostream& out) {
    out << "begin";
    out.write(block.data(), static_cast<std::streamsize>(block.size()));
    out << "end";
  });
  EXPECT_EQ(read_bytes(scratch / "a"), "begin" + block + "end");
}

TEST(AtomicFile, KeepsModeAndFollowsLinks) {
  Scratch scratch;
  scratch.write("real", "old");
  ::chmod((scratch / "real").c_str(), 0640);
  fs::create_symlink("real", scratch / "link");
  write_atomically(scratch / "link", "new");
  EXPECT_TRUE(fs::is_symlink(scratch / "link"));
  EXPECT_EQ(read_bytes(scratch / "real"), "new");
  EXPECT_EQ(fs::status(scratch / "real").permissions(), fs::perms(0640));
}

TEST(AtomicFile, NoSpaceOnDevice) {
  EXPECT_NE(run_error_of([] {
              write_atomically("/dev/full", "text");
            }).find("/dev/full: cannot be written: No space"),
            std::string::npos);
}

TEST(AtomicFile, FullDiskKeepsTheOldFile) {
  Scratch scratch;
  scratch.write("a", "old");
  const std::string large(1 << 20, 'x');
  std::string message;
  {
    FileSizeLimit limit(1 << 16);
    message = run_error_of([&] { write_atomically(scratch / "a", large); });
  }
  EXPECT_NE(message.find("a: cannot be written: File too large"), std::string::npos) << message;
  EXPECT_EQ(read_bytes(scratch / "a"), "old");
  EXPECT_EQ(scratch.entries(), 1u) << "a temporary file was left";
}

TEST(AtomicFile, AnExceptionWhileWritingKeepsTheOldFile) {
  Scratch scratch;
  scratch.write("a", "old");
  EXPECT_THROW(write_atomically(scratch / "a",
                                [](std::ostream& out) {
                                  out << "half";
                                  throw std::logic_error("stop");
                                }),
               std::logic_error);
  EXPECT_EQ(read_bytes(scratch / "a"), "old");
  EXPECT_EQ(scratch.entries(), 1u);
}

TEST(AtomicFile, NamesWhatIsWrongWithTheTarget) {
  Scratch scratch;
  scratch.write("file", "x");
  const auto says = [&](const fs::path& path, const char* reason) {
    const std::string message = run_error_of([&] { write_atomically(path, "text"); });
    EXPECT_NE(message.find(path.string() + ": "), std::string::npos) << message;
    EXPECT_NE(message.find(reason), std::string::npos) << message;
  };
  says(scratch / "missing" / "a", "No such file or directory");
  says(scratch / "file" / "a", "Not a directory");
  says(scratch.dir(), "Is a directory");
  says(scratch / std::string(300, 'n'), "File name too long");
}

/// Drops root's freedom from permissions for a while.
class AsNobody {
 public:
  AsNobody() : root_(::geteuid() == 0) {
    if (root_ && ::seteuid(65534) != 0) throw RunError("seteuid failed");
  }
  ~AsNobody() {
    if (root_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  bool root_;
};

TEST(AtomicFile, NoPermission) {
  Scratch scratch;
  scratch.write("locked", "old");
  ::chmod((scratch / "locked").c_str(), 0444);
  std::string locked, fresh;
  {
    ::chmod(scratch.dir().c_str(), 0777);
    AsNobody nobody;
    locked = run_error_of([&] { write_atomically(scratch / "locked", "text"); });
  }
  {
    ::chmod(scratch.dir().c_str(), 0555);
    AsNobody nobody;
    fresh = run_error_of([&] { write_atomically(scratch / "new", "text"); });
  }
  ::chmod(scratch.dir().c_str(), 0755);
  EXPECT_NE(locked.find("locked: cannot be written: Permission denied"), std::string::npos) << locked;
  EXPECT_NE(fresh.find("new: cannot be written: Permission denied"), std::string::npos) << fresh;
  EXPECT_EQ(read_bytes(scratch / "locked"), "old");
  EXPECT_EQ(scratch.entries(), 1u);
}

}  // namespace
}  // namespace sramsim
