#include "host/formats/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <cstring>
#include <ostream>
#include <string>
#include <string_view>

#include "host/formats/atomic_file.h"
#include "host/formats/input_file.h"
#include "host/formats/stored_type.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr uint64_t kMaxHeader = 1 << 20;
constexpr size_t kMaxRank = 64;

struct DTypeRow {
  DType type;
  const char* name;
  const char* descr;  ///< NumPy's array-interface code
  size_t size;
};
constexpr std::array<DTypeRow, 6> kDTypes{{{DType::kU8, "uint8", "|u1", 1},
                                           {DType::kI8, "int8", "|i1", 1},
                                           {DType::kI32, "int32", "<i4", 4},
                                           {DType::kI64, "int64", "<i8", 8},
                                           {DType::kF32, "float32", "<f4", 4},
                                           {DType::kF64, "float64", "<f8", 8}}};

const DTypeRow& row(DType t) {
  for (const DTypeRow& r : kDTypes)
    if (r.type == t) return r;
  throw InputError("unknown tensor element type");
}

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

/// Reads the header's Python literal: a dict with exactly the keys descr, fortran_order and shape.
class HeaderParser {
 public:
  HeaderParser(const InputFile& file, std::string_view text) : file_(file), rest_(text) {}

  Header parse() {
    Header header;
    unsigned seen = 0;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !(seen & 1)) {
        seen |= 1;
        if (peek() != '\'' && peek() != '"') file_.fail("holds records, not numbers of one type");
        header.descr = quoted();
      } else if (key == "fortran_order" && !(seen & 2)) {
        seen |= 2;
        header.fortran_order = boolean();
      } else if (key == "shape" && !(seen & 4)) {
        seen |= 4;
        header.shape = tuple();
      } else {
        bad();
      }
      if (!accept(',') && peek() != '}') bad();
    }
    peek();
    if (seen != 7 || !rest_.empty()) bad();
    return header;
  }

 private:
  [[noreturn]] void bad() { file_.fail("has a malformed .npy header"); }
  char peek() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t'))
      rest_.remove_prefix(1);
    return rest_.empty() ? '\0' : rest_[0];
  }
  bool accept(char c) {
    if (peek() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!accept(c)) bad();
  }
  std::string quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') bad();
    const size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) bad();
    std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool boolean() {
    peek();
    for (bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return value;
    }
    bad();
  }
  std::vector<int64_t> tuple() {
    std::vector<int64_t> values;
    expect('(');
    while (!accept(')')) {
      peek();
      int64_t value = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
      if (error != std::errc() || value < 0 || values.size() == kMaxRank) bad();
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      if (!rest_.empty() && rest_[0] == 'L') rest_.remove_prefix(1);  // Python 2 wrote long integers so
      values.push_back(value);
      if (!accept(',') && peek() != ')') bad();
    }
    return values;
  }

  const InputFile& file_;
  std::string_view rest_;
};

DType parse_descr(const InputFile& file, std::string_view descr) {
  for (const DTypeRow& r : kDTypes) {
    const std::string_view known = r.descr;
    if (descr == known) return r.type;
    if (descr.size() == 3 && descr.substr(1) == known.substr(1)) {
      if (r.size == 1) return r.type;  // the byte order of a byte means nothing
      if (descr[0] == '>') file.fail("is big-endian; only little-endian .npy files are read");
    }
  }
  file.fail(fmt::format("has element type '{}'; known are uint8, int8, int32, int64, float32, float64",
                        printable(descr)));
}

}  // namespace

size_t dtype_size(DType t) {
  return row(t).size;
}
const char* dtype_name(DType t) {
  return row(t).name;
}

HostTensor make_tensor(DType dtype, std::vector<int64_t> shape) {
  const auto bytes = byte_count(shape, dtype_size(dtype));
  if (!bytes) throw InputError(fmt::format("a tensor of shape [{}] is impossible", fmt::join(shape, ",")));
  return {dtype, std::move(shape), std::vector<std::byte>(*bytes)};
}

HostTensor read_npy(const std::filesystem::path& path) {
  const InputFile file(path);
  const std::string head = file.head(12);
  if (!head.starts_with(kMagic)) file.fail("is not a NumPy .npy file");
  if (head.size() < 10) file.fail("is truncated");
  const int major = static_cast<unsigned char>(head[6]);
  if (major < 1 || major > 3) file.fail(fmt::format("has .npy format version {}; known are 1 to 3", major));
  const size_t length_bytes = major == 1 ? 2 : 4;
  if (head.size() < 8 + length_bytes) file.fail("is truncated");
  uint32_t header_size = 0;
  std::memcpy(&header_size, head.data() + 8, length_bytes);
  const uint64_t data_begin = 8 + length_bytes + header_size;
  if (header_size > kMaxHeader) file.fail("has an oversized .npy header");
  if (data_begin > file.size()) file.fail("is truncated");

  std::string text(header_size, '\0');
  file.read(8 + length_bytes, text.data(), text.size());
  Header header = HeaderParser(file, text).parse();
  const DType dtype = parse_descr(file, header.descr);
  if (header.fortran_order) file.fail("is in Fortran order; save it with numpy.ascontiguousarray(array)");
  const auto bytes = byte_count(header.shape, dtype_size(dtype));
  if (!bytes) file.fail("has an impossible shape");
  const uint64_t present = file.size() - data_begin;
  if (*bytes != present)
    file.fail(fmt::format("{}: its header asks for {} bytes of data, the file holds {}",
                          present < *bytes ? "is truncated" : "has trailing data", *bytes, present));
  HostTensor tensor = make_tensor(dtype, std::move(header.shape));
  file.read(data_begin, tensor.bytes.data(), tensor.bytes.size());
  return tensor;
}

void write_npy(const std::filesystem::path& path, const HostTensor& tensor) {
  const std::string shape = tensor.shape.size() == 1 ? fmt::format("({},)", tensor.shape[0])
                                                     : fmt::format("({})", fmt::join(tensor.shape, ", "));
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", row(tensor.dtype).descr, shape);
  constexpr size_t kPrefix = 10;  // magic, version 1.0, two length bytes; data starts at a multiple of 64
  const size_t padding = 64 - (kPrefix + header.size() + 1) % 64;
  header.append(padding % 64, ' ').push_back('\n');
  write_atomically(path, [&](std::ostream& out) {
    const auto size = static_cast<uint16_t>(header.size());
    out << kMagic << '\x01' << '\0' << static_cast<char>(size & 0xff) << static_cast<char>(size >> 8)
        << header;
    out.write(reinterpret_cast<const char*>(tensor.bytes.data()),
              static_cast<std::streamsize>(tensor.bytes.size()));
  });
}

}  // namespace sramsim
