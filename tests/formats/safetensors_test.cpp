#include <gtest/gtest.h>

#include <cstring>

#include "host/formats/tensor_file.h"
#include "tests/formats/scratch.h"

namespace sramsim {
namespace {

HostTensor floats(std::vector<int64_t> shape, float first) {
  HostTensor t = make_tensor(DType::kF32, std::move(shape));
  for (int64_t i = 0; i < t.count(); ++i) t.as<float>()[i] = first + static_cast<float>(i);
  return t;
}

TensorFile example() {
  TensorFile file;
  file.tensors["conv.weight"] = floats({2, 1, 3, 3}, -4.5f);
  file.tensors["conv.alpha"] = floats({}, 10.0f);
  file.tensors["codes"] = make_tensor(DType::kI8, {3});
  file.tensors["steps"] = make_tensor(DType::kI64, {2});
  file.tensors["none"] = make_tensor(DType::kF64, {0, 5});
  file.tensors["steps"].as<int64_t>()[1] = int64_t{-1} << 40;
  file.metadata = {{"network", "{\"a\": [1, 2]}"}, {"note", "quotes \" and\nlines, \xc3\xa9"}};
  return file;
}

void expect_equal(const TensorFile& a, const TensorFile& b) {
  EXPECT_EQ(a.metadata, b.metadata);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [name, tensor] : a.tensors) {
    ASSERT_TRUE(b.tensors.contains(name)) << name;
    EXPECT_EQ(b.tensors.at(name).dtype, tensor.dtype) << name;
    EXPECT_EQ(b.tensors.at(name).shape, tensor.shape) << name;
    EXPECT_EQ(b.tensors.at(name).bytes, tensor.bytes) << name;
  }
}

/// A file made by hand: header text and data bytes.
std::string raw(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + data;
}

TEST(Safetensors, RoundTrips) {
  Scratch scratch;
  write_safetensors(scratch / "a.safetensors", example());
  expect_equal(example(), read_safetensors(scratch / "a.safetensors"));
  expect_equal(example(), read_tensor_file(scratch / "a.safetensors"));
  write_safetensors(scratch / "empty.safetensors", {});
  expect_equal({}, read_safetensors(scratch / "empty.safetensors"));
}

TEST(Safetensors, DataIsAligned) {
  Scratch scratch;
  write_safetensors(scratch / "a.safetensors", example());
  const std::string bytes = read_bytes(scratch / "a.safetensors");
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  EXPECT_EQ(length % 8, 0u);
  // Wide elements come first, so eight-byte ones start at the section's first byte.
  EXPECT_NE(bytes.find("\"steps\":{\"data_offsets\":[0,16]"), std::string::npos) << bytes;
}

TEST(Safetensors, ABigMetadataValueIsCarried) {
  Scratch scratch;
  TensorFile file = example();
  file.metadata["big"] = std::string(20 << 20, 'x');
  write_safetensors(scratch / "a.safetensors", file);
  expect_equal(file, read_safetensors(scratch / "a.safetensors"));
}

TEST(Safetensors, WidensNarrowTypes) {
  Scratch scratch;
  const auto path = scratch.write(
      "narrow.safetensors", raw(R"({"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},)"
                                R"("b":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]},)"
                                R"("s":{"dtype":"I16","shape":[1],"data_offsets":[6,8]},)"
                                R"("u":{"dtype":"U32","shape":[1],"data_offsets":[8,12]},)"
                                R"("t":{"dtype":"BOOL","shape":[1],"data_offsets":[12,13]}}   )",
                                std::string("\x00\xbe\x01\x00\xc0\x3f\xff\xff\xff\xff\xff\xff\x01", 13)));
  const TensorFile file = read_safetensors(path);
  EXPECT_EQ(file.tensors.at("h").as<float>()[0], -1.5f);
  EXPECT_EQ(file.tensors.at("h").as<float>()[1], 0x1p-24f);  // the smallest subnormal
  EXPECT_EQ(file.tensors.at("b").as<float>()[0], 1.5f);
  EXPECT_EQ(file.tensors.at("s").as<int32_t>()[0], -1);
  EXPECT_EQ(file.tensors.at("u").as<int64_t>()[0], 4294967295);
  EXPECT_EQ(file.tensors.at("t").as<uint8_t>()[0], 1);
}

TEST(Safetensors, RejectsWithOneLineNamingTheFile) {
  Scratch scratch;
  const auto says = [&](const std::string& header, const std::string& data, const std::string& what) {
    const auto path = scratch.write("bad.safetensors", raw(header, data));
    EXPECT_ERROR_SAYS(read_safetensors(path), what);
    EXPECT_ERROR_SAYS(read_safetensors(path), path.string() + ": ");
  };
  const std::string data(8, '\0');
  const std::string a = R"("a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]})";
  says("[1]", "", "is not a safetensors file");
  says("{" + a, data, "not valid JSON");
  says("{" + a + "}x", data, "not valid JSON");
  says("{" + a + "," + a + "}", data, "names 'a' twice");
  says(R"({"a":{"dtype":"U8","dtype":"U8","shape":[8],"data_offsets":[0,8]}})", data, "names 'dtype' twice");
  says(R"({"__metadata__":{"k":"1","k":"2"}})", "", "names 'k' twice");
  says(R"({"__metadata__":{},"__metadata__":{}})", "", "names '__metadata__' twice");
  says(R"({"__metadata__":{"k":1}})", "", "a number where none belongs");
  says(R"({"a":{"dtype":"U8","shape":[8]}})", data, "lacks");
  says(R"({"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}})", data, "element type C64");
  says(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8],"x":1}})", data, "unknown member 'x'");
  says(R"({"a":{"dtype":"U8","shape":[-8],"data_offsets":[0,8]}})", data, "negative number");
  says(R"({"a":{"dtype":"U8","shape":[8.0],"data_offsets":[0,8]}})", data, "a fraction");
  says(R"({"a":{"dtype":"U8","shape":[[8]],"data_offsets":[0,8]}})", data, "a list");
  says(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0]}})", data, "two data_offsets");
  says(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[8,0]}})", data, "do not match its shape");
  says(R"({"a":{"dtype":"F32","shape":[8],"data_offsets":[0,8]}})", data, "do not match its shape");
  says(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", "",
       "impossible shape");
  says(R"({"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}})", data, "the file is truncated");
  says(R"({"a":{"dtype":"U8","shape":[900000000000],"data_offsets":[0,900000000000]}})", data, "truncated");
  says(R"({"a":{"dtype":"U8","shape":[7],"data_offsets":[1,8]}})", data, "follows a hole");
  says(
      R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
      data, "'b' overlaps");
  says(R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}})", data,
       "has 3 bytes of data that belong to no tensor");
  says("{\"a\":" + std::string(100000, '['), "", "a list where none belongs");
}

TEST(Safetensors, HeaderLengthIsCheckedBeforeAnythingIsAllocated) {
  Scratch scratch;
  std::string bytes = raw("{}", "");
  std::memset(bytes.data(), 0xff, 8);
  EXPECT_ERROR_SAYS(read_safetensors(scratch.write("a", bytes)), "is not a safetensors file");
  std::memcpy(bytes.data(), "\xff\xff\xff\x00\x00\x00\x00\x00", 8);
  EXPECT_ERROR_SAYS(read_safetensors(scratch.write("b", bytes)), "is truncated within its header");
  EXPECT_ERROR_SAYS(read_tensor_file(scratch.write("c", "")), "is empty");
  EXPECT_ERROR_SAYS(read_tensor_file(scratch.write("d", "epoch,loss")), "is not a safetensors file");
  EXPECT_ERROR_SAYS(read_tensor_file(scratch / "none"), "No such file");
}

TEST(Safetensors, SurvivesDamage) {
  Scratch scratch;
  write_safetensors(scratch / "good", example());
  expect_survives_damage(read_bytes(scratch / "good"), 4000, [&](const std::string& bytes) {
    read_tensor_file(scratch.write("damaged", bytes));
  });
}

TEST(Safetensors, RefusesToWriteWhatCouldNotBeRead) {
  Scratch scratch;
  TensorFile file = example();
  file.metadata["note"] = "\xff";
  EXPECT_NE(error_of<RunError>([&] { write_safetensors(scratch / "a", file); }).find("UTF-8"),
            std::string::npos);
  file = example();
  file.tensors["__metadata__"] = floats({1}, 0);
  EXPECT_NE(error_of<RunError>([&] { write_safetensors(scratch / "a", file); }).find("__metadata__"),
            std::string::npos);
  EXPECT_EQ(scratch.entries(), 0u);
}

}  // namespace
}  // namespace sramsim
