#include "datasets/idx.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <string>
#include <system_error>

#include "datasets/image_set.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kImagesMagic = 0x00000803;  // unsigned bytes, three dimensions
constexpr uint32_t kLabelsMagic = 0x00000801;  // unsigned bytes, one dimension
constexpr uint32_t kMaxSide = 4096;

/// A plain or gzipped file, read front to back.
class IdxFile {
 public:
  explicit IdxFile(const fs::path& path) : path_(path), file_(::gzopen(path.c_str(), "rb")) {
    std::error_code error;
    stored_size_ = fs::file_size(path, error);
    if (error) stored_size_ = 0;
    if (!file_) fail(fmt::format("cannot be opened: {}", std::generic_category().message(errno)));
    ::gzbuffer(file_, 1 << 18);
  }
  ~IdxFile() { ::gzclose(file_); }
  IdxFile(const IdxFile&) = delete;
  IdxFile& operator=(const IdxFile&) = delete;

  uint32_t big_endian() {
    std::array<uint8_t, 4> b{};
    if (read(b.data(), b.size()) != b.size()) fail("is truncated: its header is not complete");
    return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | b[3];
  }

  /// The rest of the file, which must be exactly `count` bytes. Memory grows with what is really there, so a
  /// header cannot ask for more than a small multiple of the file.
  std::vector<uint8_t> rest(uint64_t count) {
    constexpr uint64_t kUsualRatio = 64;  // beyond what gzip reaches on images
    std::vector<uint8_t> bytes;
    uint64_t room = std::min(count, kUsualRatio * stored_size_ + 4096);
    for (uint64_t filled = 0; filled < count; room = std::min(count, 2 * room)) {
      bytes.resize(room);
      const uint64_t got = read(bytes.data() + filled, room - filled);
      if (filled + got < room) fail_truncated(count, filled + got);
      filled += got;
    }
    expect_end();
    return bytes;
  }

  /// The same without keeping it.
  void check_rest(uint64_t count) {
    std::vector<uint8_t> some(1 << 16);
    for (uint64_t done = 0; done < count;) {
      const uint64_t wanted = std::min<uint64_t>(count - done, some.size());
      const uint64_t got = read(some.data(), wanted);
      done += got;
      if (got < wanted) fail_truncated(count, done);
    }
    expect_end();
  }

  /// The next `count` bytes, all of which must be there.
  void next(uint8_t* to, uint64_t count) {
    if (read(to, count) != count) fail("ends before its last image");
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(fmt::format("{}: {}", path_.string(), what));
  }

 private:
  [[noreturn]] void fail_truncated(uint64_t announced, uint64_t there) const {
    fail(fmt::format("is truncated: its header announces {} bytes of data, {} are there", announced, there));
  }

  void expect_end() {
    uint8_t extra = 0;
    if (read(&extra, 1) != 0) fail("has data beyond what its header announces");
  }

  uint64_t read(uint8_t* to, uint64_t count) {
    constexpr uint64_t kMostAtOnce = 1 << 30;  // gzread counts in int
    uint64_t done = 0;
    while (done < count) {
      const auto ask = static_cast<unsigned>(std::min(count - done, kMostAtOnce));
      const int got = ::gzread(file_, to + done, ask);
      int error = Z_OK;
      const char* reason = ::gzerror(file_, &error);
      if (error == Z_BUF_ERROR) fail("is truncated: the gzip stream ends early");
      if (got < 0 && error == Z_ERRNO)
        fail(fmt::format("cannot be read: {}", std::generic_category().message(errno)));
      if (got < 0) fail(fmt::format("is corrupt: {}", reason));
      if (got == 0) break;
      done += static_cast<uint64_t>(got);
    }
    return done;
  }

  fs::path path_;
  gzFile file_;
  uint64_t stored_size_ = 0;
};

fs::path locate(const fs::path& dir, const std::string& stem, int rank) {
  std::error_code ignored;
  if (!fs::is_directory(dir, ignored))
    throw InputError(fmt::format("{}: no such dataset directory", dir.string()));
  std::vector<std::string> tried;
  for (const char* separator : {"-", "."}) {
    for (const char* suffix : {"", ".gz"}) {
      tried.push_back(fmt::format("{}{}idx{}-ubyte{}", stem, separator, rank, suffix));
      if (fs::exists(dir / tried.back(), ignored)) return dir / tried.back();
    }
  }
  throw InputError(
      fmt::format("{}: no IDX dataset there; looked for {}", dir.string(), fmt::join(tried, ", ")));
}

void check_magic(IdxFile& file, uint32_t expected, const char* kind) {
  const uint32_t magic = file.big_endian();
  if (magic != expected)
    file.fail(
        fmt::format("is not an IDX file of {} (magic 0x{:08x}, expected 0x{:08x})", kind, magic, expected));
}

int checked_count(IdxFile& file) {
  const uint32_t count = file.big_endian();
  if (count == 0) file.fail("is empty: its header announces no entries");
  if (count > static_cast<uint32_t>(std::numeric_limits<int>::max()))
    file.fail(fmt::format("announces {} entries, more than this program can index", count));
  return static_cast<int>(count);
}

struct ImagesHeader {
  int count = 0, h = 0, w = 0;
  uint64_t bytes() const {
    return static_cast<uint64_t>(count) * static_cast<uint64_t>(h) * static_cast<uint64_t>(w);
  }
};

ImagesHeader read_images_header(IdxFile& file) {
  check_magic(file, kImagesMagic, "images");
  const int count = checked_count(file);
  const uint32_t h = file.big_endian(), w = file.big_endian();
  if (h < 1 || w < 1 || h > kMaxSide || w > kMaxSide)
    file.fail(fmt::format("announces images of {}x{} pixels; allowed are 1 to {} a side", h, w, kMaxSide));
  return {count, static_cast<int>(h), static_cast<int>(w)};
}

std::vector<uint8_t> read_labels(const fs::path& path, const fs::path& images, int image_count) {
  IdxFile file(path);
  check_magic(file, kLabelsMagic, "labels");
  const int count = checked_count(file);
  if (count != image_count)
    file.fail(fmt::format("holds {} labels, but {} holds {} images", count, images.filename().string(),
                          image_count));
  return file.rest(static_cast<uint64_t>(count));
}

/// Images and labels of one split.
struct IdxPaths {
  fs::path images, labels;
  IdxPaths(const fs::path& dir, Split split) {
    const std::string prefix = split == Split::kTrain ? "train" : "t10k";
    images = locate(dir, prefix + "-images", 3);
    labels = locate(dir, prefix + "-labels", 1);
  }
};

/// Changes when a file is written to, and nearly always when another one takes its place.
struct FileStamp {
  std::uintmax_t size = 0;
  fs::file_time_type written;
  bool operator==(const FileStamp&) const = default;
};

FileStamp stamp_of(const fs::path& path) {
  try {
    return {fs::file_size(path), fs::last_write_time(path)};
  } catch (const fs::filesystem_error& e) {
    throw ImagesChanged(fmt::format("{}: cannot be found any more: {}", path.string(), e.code().message()));
  }
}

void expect_unchanged(const fs::path& path, const FileStamp& stamp) {
  if (stamp_of(path) != stamp)
    throw ImagesChanged(fmt::format("{}: has changed while it was read", path.string()));
}

/// Runs f on a file that was read to its end before, with the same stamp.
template <typename F>
auto read_again(F&& f) {
  try {
    return f();
  } catch (const InputError& e) {
    throw ImagesChanged(fmt::format("{} (it could be read before)", e.what()));
  }
}

class IdxReader final : public ImageReader {
 public:
  IdxReader(const fs::path& path, const FileStamp& stamp, int64_t pixels)
      : path_(path), stamp_(stamp), pixels_(static_cast<uint64_t>(pixels)), file_(path) {
    read_images_header(file_);
  }
  void read(int n, uint8_t* to) override {
    read_again([&] { file_.next(to, static_cast<uint64_t>(n) * pixels_); });
    expect_unchanged(path_, stamp_);  // after each step: the file may be overwritten in its place
  }

 private:
  fs::path path_;
  FileStamp stamp_;
  uint64_t pixels_;
  IdxFile file_;
};

class IdxImages final : public ImageSet {
 public:
  IdxImages(fs::path path, const FileStamp& stamp, const ImagesHeader& header, std::vector<uint8_t> labels)
      : ImageSet(header.count, header.h, header.w, std::move(labels)),
        path_(std::move(path)),
        stamp_(stamp) {}
  std::unique_ptr<ImageReader> open() const override {
    expect_unchanged(path_, stamp_);
    return read_again([&] { return std::make_unique<IdxReader>(path_, stamp_, pixels()); });
  }

 private:
  fs::path path_;
  FileStamp stamp_;
};

}  // namespace

int class_count(const std::vector<uint8_t>& labels) {
  return labels.empty() ? 0 : 1 + *std::max_element(labels.begin(), labels.end());
}

Dataset load_idx(const fs::path& dir, Split split) {
  const IdxPaths paths(dir, split);
  IdxFile file(paths.images);
  const ImagesHeader header = read_images_header(file);
  Dataset data{.count = header.count, .h = header.h, .w = header.w, .images = {}, .labels = {}};
  data.images = file.rest(header.bytes());
  data.labels = read_labels(paths.labels, paths.images, header.count);
  data.classes = class_count(data.labels);
  return data;
}

std::unique_ptr<ImageSet> open_idx(const fs::path& dir, Split split) {
  const IdxPaths paths(dir, split);
  const FileStamp stamp = stamp_of(paths.images);  // before the file is checked: what is written later shows
  IdxFile file(paths.images);
  const ImagesHeader header = read_images_header(file);
  file.check_rest(header.bytes());
  return std::make_unique<IdxImages>(paths.images, stamp, header,
                                     read_labels(paths.labels, paths.images, header.count));
}

}  // namespace sramsim
