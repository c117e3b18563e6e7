#include "host/formats/npy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "tests/formats/scratch.h"

namespace sramsim {
namespace {

HostTensor ramp(DType dtype, std::vector<int64_t> shape) {
  HostTensor t = make_tensor(dtype, std::move(shape));
  for (size_t i = 0; i < t.bytes.size(); ++i) t.bytes[i] = static_cast<std::byte>(i * 7);
  return t;
}

/// A version 1.0 file made by hand.
std::string npy(const std::string& header, const std::string& data, char major = 1) {
  std::string bytes("\x93NUMPY", 6);
  bytes += major;
  bytes += '\0';
  const auto size = static_cast<uint32_t>(header.size());
  bytes.append(reinterpret_cast<const char*>(&size), major == 1 ? 2 : 4);
  return bytes + header + data;
}

constexpr const char* kHeader = "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }\n";

TEST(Npy, RoundTripsEveryTypeAndRank) {
  Scratch scratch;
  for (DType dtype : {DType::kU8, DType::kI8, DType::kI32, DType::kI64, DType::kF32, DType::kF64})
    for (const std::vector<int64_t>& shape :
         std::vector<std::vector<int64_t>>{{}, {5}, {2, 3}, {2, 3, 4, 5}, {0, 7}}) {
      const HostTensor t = ramp(dtype, shape);
      write_npy(scratch / "t.npy", t);
      const HostTensor back = read_npy(scratch / "t.npy");
      EXPECT_EQ(back.dtype, t.dtype);
      EXPECT_EQ(back.shape, t.shape);
      EXPECT_EQ(back.bytes, t.bytes);
      EXPECT_EQ((read_bytes(scratch / "t.npy").size() - t.bytes.size()) % 64, 0u) << "data must be aligned";
    }
}

TEST(Npy, ReadsHeadersOfOtherWriters) {
  Scratch scratch;
  const std::string data("\1\0\0\0\2\0\0\0", 8);
  for (const std::string& header :
       {std::string(kHeader), std::string("{\"shape\":(2),'fortran_order':False,\"descr\":\"<i4\"}"),
        std::string("{ 'descr' : '<i4', 'shape': (1L, 2L), 'fortran_order': False }   \n")}) {
    for (char major : {1, 2, 3}) {
      const HostTensor t = read_npy(scratch.write("t.npy", npy(header, data, major)));
      EXPECT_EQ(t.dtype, DType::kI32);
      EXPECT_EQ(t.count(), 2);
      EXPECT_EQ(t.as<int32_t>()[1], 2);
    }
  }
}

TEST(Npy, RejectsWithOneLineNamingTheFile) {
  Scratch scratch;
  const std::string data(8, '\0');
  const auto says = [&](const std::string& bytes, const std::string& what) {
    const auto path = scratch.write("bad.npy", bytes);
    EXPECT_ERROR_SAYS(read_npy(path), what);
    EXPECT_ERROR_SAYS(read_npy(path), path.string() + ": ");
  };
  says("", "is not a NumPy .npy file");
  says("PK\3\4 no array at all", "is not a NumPy .npy file");
  says(npy(kHeader, data, 9), "format version 9");
  says(npy(kHeader, data.substr(1)), "is truncated: its header asks for 8 bytes of data, the file holds 7");
  says(npy(kHeader, data + "x"), "has trailing data");
  const auto with = [&](const char* descr, const char* order, const char* shape) {
    return npy(
        std::string("{'descr': ") + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + "}",
        data);
  };
  says(with("'<i4'", "True", "(1, 2)"), "Fortran order");
  says(with("'>i4'", "False", "(2,)"), "big-endian");
  says(with("'<f2'", "False", "(4,)"), "element type '<f2'");
  says(with("'|O'", "False", "(1,)"), "element type '|O'");
  says(with("[('a', '<i4')]", "False", "(2,)"), "holds records");
  says(with("'<i4'", "False", "(4611686018427387904, 4)"), "impossible shape");
  says(with("'<i4'", "False", "(99999999999999999999,)"), "malformed");
  says(with("'<i4'", "False", "(4611686018427387904, 4, 0)"), "impossible shape");
  says(with("'<i4'", "False", "(-2,)"), "malformed");
  says(with("'<i4'", "False", "(1000000000000,)"), "is truncated");
  says(with("'<i4'", "Maybe", "(2,)"), "malformed");
  says(npy("{'descr': '<i4', 'shape': (2,)}", data), "malformed");
  says(npy("{'descr': '<i4', 'descr': '<i4', 'fortran_order': False, 'shape': (2,)}", data), "malformed");
  says(npy(std::string(kHeader) + "x", data), "malformed");
  std::string oversized = npy(kHeader, data, 2);
  std::memcpy(oversized.data() + 8, "\xff\xff\xff\xff", 4);
  says(oversized, "oversized .npy header");
}

TEST(Npy, RejectsWhatIsNoFile) {
  Scratch scratch;
  EXPECT_ERROR_SAYS(read_npy(scratch / "none.npy"), "none.npy: cannot be opened: No such file");
  EXPECT_ERROR_SAYS(read_npy(scratch.dir()), "is a directory");
  EXPECT_ERROR_SAYS(read_npy("/dev/zero"), "is not a regular file");
}

TEST(Npy, ImpossibleTensorsAreNotMade) {
  EXPECT_ERROR_SAYS(make_tensor(DType::kF64, {int64_t{1} << 62, 4}), "impossible");
  EXPECT_ERROR_SAYS(make_tensor(DType::kU8, {-1}), "impossible");
}

TEST(Npy, SurvivesDamage) {
  Scratch scratch;
  write_npy(scratch / "good.npy", ramp(DType::kF32, {3, 4}));
  expect_survives_damage(read_bytes(scratch / "good.npy"), 3000,
                         [&](const std::string& bytes) { read_npy(scratch.write("damaged.npy", bytes)); });
}

TEST(Npy, ReportsAFailedWrite) {
  const std::string message = error_of<RunError>([] { write_npy("/dev/full", ramp(DType::kU8, {9})); });
  EXPECT_NE(message.find("No space left"), std::string::npos) << message;
}

}  // namespace
}  // namespace sramsim
