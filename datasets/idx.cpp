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
      if (filled + got < room)
        fail(fmt::format("is truncated: its header announces {} bytes of data, {} are there", count,
                         filled + got));
      filled += got;
    }
    uint8_t extra = 0;
    if (read(&extra, 1) != 0) fail("has data beyond what its header announces");
    return bytes;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(fmt::format("{}: {}", path_.string(), what));
  }

 private:
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

void read_images(const fs::path& path, Dataset& data) {
  IdxFile file(path);
  check_magic(file, kImagesMagic, "images");
  data.count = checked_count(file);
  const uint32_t h = file.big_endian(), w = file.big_endian();
  if (h < 1 || w < 1 || h > kMaxSide || w > kMaxSide)
    file.fail(fmt::format("announces images of {}x{} pixels; allowed are 1 to {} a side", h, w, kMaxSide));
  data.h = static_cast<int>(h);
  data.w = static_cast<int>(w);
  data.images = file.rest(static_cast<uint64_t>(data.count) * h * w);
}

void read_labels(const fs::path& path, const fs::path& images, Dataset& data) {
  IdxFile file(path);
  check_magic(file, kLabelsMagic, "labels");
  const int count = checked_count(file);
  if (count != data.count)
    file.fail(fmt::format("holds {} labels, but {} holds {} images", count, images.filename().string(),
                          data.count));
  data.labels = file.rest(static_cast<uint64_t>(count));
  data.classes = 1 + *std::max_element(data.labels.begin(), data.labels.end());
}

}  // namespace

Dataset load_idx(const fs::path& dir, Split split) {
  const std::string prefix = split == Split::kTrain ? "train" : "t10k";
  const fs::path images = locate(dir, prefix + "-images", 3);
  const fs::path labels = locate(dir, prefix + "-labels", 1);
  Dataset data;
  read_images(images, data);
  read_labels(labels, images, data);
  return data;
}

}  // namespace sramsim
