// samples/ was written by PyTorch itself (make_samples.py); element i of a tensor is i unless said otherwise.
#include <gtest/gtest.h>
#include <zip.h>

#include <cmath>
#include <numeric>

#include "host/formats/pickle.h"
#include "host/formats/tensor_file.h"
#include "tests/formats/scratch.h"

namespace sramsim {
namespace {

std::filesystem::path sample(const std::string& name) {
  return std::filesystem::path(SRAMSIM_SOURCE_DIR) / "tests/formats/samples" / name;
}

std::vector<float> values(const TensorFile& file, const std::string& name) {
  const HostTensor& t = file.tensors.at(name);
  EXPECT_EQ(t.dtype, DType::kF32) << name;
  return {t.as<float>(), t.as<float>() + t.count()};
}

std::vector<float> ramp(size_t count) {
  std::vector<float> v(count);
  std::iota(v.begin(), v.end(), 0.0f);
  return v;
}

TEST(TorchCheckpoint, ReadsTheStateDictOfATrainingCheckpoint) {
  for (const char* name : {"training.pth.tar", "protocol4.pth"}) {
    const TensorFile file = read_tensor_file(sample(name));
    ASSERT_EQ(file.tensors.size(), 3u) << name;
    EXPECT_EQ(file.tensors.at("module.0.weight").shape, (std::vector<int64_t>{2, 1, 3, 3}));
    EXPECT_EQ(values(file, "module.0.weight"), ramp(18));
    EXPECT_EQ(values(file, "module.1.weight"), ramp(6));
    EXPECT_EQ(values(file, "module.1.bias"), ramp(2));
  }
}

template <typename T>
void expect_ramp(const TensorFile& file, const std::string& name, DType dtype) {
  const HostTensor& t = file.tensors.at(name);
  ASSERT_EQ(t.dtype, dtype) << name;
  EXPECT_EQ(t.shape, (std::vector<int64_t>{2, 3})) << name;
  for (int i = 0; i < 6; ++i) EXPECT_EQ(t.as<T>()[i], static_cast<T>(i)) << name;
}

TEST(TorchCheckpoint, ReadsEveryElementType) {
  const TensorFile file = read_tensor_file(sample("types.pth"));
  expect_ramp<float>(file, "float32", DType::kF32);
  expect_ramp<double>(file, "float64", DType::kF64);
  expect_ramp<float>(file, "float16", DType::kF32);
  expect_ramp<float>(file, "bfloat16", DType::kF32);
  expect_ramp<int64_t>(file, "int64", DType::kI64);
  expect_ramp<int32_t>(file, "int32", DType::kI32);
  expect_ramp<int32_t>(file, "int16", DType::kI32);
  expect_ramp<int8_t>(file, "int8", DType::kI8);
  expect_ramp<uint8_t>(file, "uint8", DType::kU8);
  const auto* b = file.tensors.at("bool").as<uint8_t>();
  EXPECT_EQ(std::vector<uint8_t>(b, b + 6), (std::vector<uint8_t>{0, 1, 1, 1, 1, 1}));
  EXPECT_EQ(values(file, "negative_half"), (std::vector<float>{-0.5f, 0x1p-24f, 65504.0f, INFINITY}));
  EXPECT_TRUE(file.tensors.at("scalar").shape.empty());
  EXPECT_EQ(values(file, "scalar"), std::vector<float>{2.5f});
  EXPECT_EQ(file.tensors.at("empty").shape, (std::vector<int64_t>{0, 4}));
}

TEST(TorchCheckpoint, CopiesViewsIntoCOrder) {
  const TensorFile file = read_tensor_file(sample("views.pth"));
  const auto base = [](int r, int c) { return static_cast<float>(6 * r + c); };  // [4,6]
  EXPECT_EQ(values(file, "base"), ramp(24));
  std::vector<float> transposed, permuted;
  for (int c = 0; c < 6; ++c)
    for (int r = 0; r < 4; ++r) transposed.push_back(base(r, c));
  EXPECT_EQ(values(file, "transposed"), transposed);
  EXPECT_EQ(file.tensors.at("transposed").shape, (std::vector<int64_t>{6, 4}));
  EXPECT_EQ(values(file, "slice"), (std::vector<float>{8, 9, 10, 14, 15, 16}));
  EXPECT_EQ(values(file, "column"), (std::vector<float>{4, 10, 16, 22}));
  EXPECT_EQ(values(file, "steps"), (std::vector<float>{0, 3, 12, 15}));
  for (int k = 0; k < 4; ++k)
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 3; ++j) permuted.push_back(static_cast<float>(12 * i + 4 * j + k));
  EXPECT_EQ(values(file, "permuted"), permuted);
  EXPECT_EQ(values(file, "expanded"), (std::vector<float>{0, 0, 1, 1, 2, 2}));
}

TEST(TorchCheckpoint, ReadsParameters) {
  const TensorFile file = read_tensor_file(sample("parameter.pth"));
  EXPECT_EQ(file.tensors.size(), 1u);
  EXPECT_EQ(values(file, "weight"), ramp(4));
}

TEST(TorchCheckpoint, RunsNothing) {
  std::filesystem::remove("executed-by-unpickling");
  EXPECT_ERROR_SAYS(read_tensor_file(sample("hostile.pth")), "hostile.pth: its pickle asks for posix.system");
  EXPECT_FALSE(std::filesystem::exists("executed-by-unpickling"));
  EXPECT_ERROR_SAYS(read_tensor_file(sample("whole_module.pth")), "asks for torch.nn.modules.linear.Linear");
}

TEST(TorchCheckpoint, RefusesOtherFormats) {
  EXPECT_ERROR_SAYS(read_tensor_file(sample("legacy.pth")), "legacy (pre-1.6) format");
  EXPECT_ERROR_SAYS(read_tensor_file(sample("tensor.pth")), "does not hold a dict of tensors");
}

/// An archive made by hand, members stored unless `compression` says otherwise.
std::filesystem::path archive(const Scratch& scratch, const std::map<std::string, std::string>& members,
                              int compression = ZIP_CM_STORE) {
  std::filesystem::path path = scratch / "made.pth";
  zip_t* zip = ::zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [name, content] : members) {
    zip_source_t* source = ::zip_source_buffer(zip, content.data(), content.size(), 0);
    const auto index = ::zip_file_add(zip, ("x/" + name).c_str(), source, 0);
    EXPECT_EQ(::zip_set_file_compression(zip, static_cast<zip_uint64_t>(index), compression, 0), 0);
  }
  EXPECT_EQ(::zip_close(zip), 0);
  return path;
}

/// {"w": float tensor of this size and stride over `count` stored elements}.
std::string pickled_tensor(const std::string& size, const std::string& stride, char count, char offset = 0) {
  using namespace std::string_literals;
  const auto text = [](const std::string& s) { return "\x8c"s + static_cast<char>(s.size()) + s; };
  return "\x80\x02}"s + text("w") + "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") +
         "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K" + count + "tQK" + offset + size + stride +
         "\x89}tRs.";
}

TEST(TorchCheckpoint, ChecksViewsAgainstTheirStorage) {
  using namespace std::string_literals;
  Scratch scratch;
  const std::string data(16, '\0');
  const auto says = [&](const std::string& pickle, const std::string& what) {
    const auto path = archive(scratch, {{"data.pkl", pickle}, {"data/0", data}});
    EXPECT_ERROR_SAYS(read_tensor_file(path), what);
  };
  const auto good =
      archive(scratch, {{"data.pkl", pickled_tensor("K\4\x85", "K\1\x85", 4)}, {"data/0", data}});
  EXPECT_EQ(read_tensor_file(good).tensors.at("w").count(), 4);
  says(pickled_tensor("K\5\x85", "K\1\x85", 4), "tensor 'w' reaches outside its storage");
  says(pickled_tensor("K\4\x85", "K\1\x85", 4, 1), "reaches outside its storage");
  says(pickled_tensor("K\2\x85", "K\4\x85", 4), "reaches outside its storage");
  says(pickled_tensor("K\2\x85", "J\xff\xff\xff\xff\x85"s, 4, 3), "reaches outside its storage");
  says(pickled_tensor("K\3\x85", "\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40\x85"s, 4),
       "reaches outside its storage");
  says(pickled_tensor("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40\x85"s, "K\1\x85", 4), "impossible shape");
  says(pickled_tensor("J\xff\xff\xff\xff\x85"s, "K\1\x85", 4), "impossible shape");
  says(pickled_tensor("J\xff\xff\xff\x7f\x85"s, "K\0\x85"s, 4), "unpacks to more than 16 times the file");
  says(pickled_tensor("K\4\x85", "K\1\x85", 5), "storage of another size");
  says(pickled_tensor("K\4\x85", "K\1\x85", 3), "larger than it can be");
  says(pickled_tensor("K\4\x85", ")", 4), "differ in rank");
}

TEST(TorchCheckpoint, ChecksTheArchive) {
  Scratch scratch;
  const std::string pickle = pickled_tensor("K\4\x85", "K\1\x85", 4), data(16, '\0');
  EXPECT_ERROR_SAYS(read_tensor_file(archive(scratch, {{"notes.txt", "hello"}})), "not a PyTorch checkpoint");
  EXPECT_ERROR_SAYS(read_tensor_file(archive(scratch, {{"data.pkl", pickle}})), "member x/data/0 is missing");
  EXPECT_ERROR_SAYS(
      read_tensor_file(archive(scratch, {{"data.pkl", pickle}, {"data/0", data}, {"byteorder", "big"}})),
      "big-endian");
  const std::string zeros(1 << 16, '\0');
  EXPECT_ERROR_SAYS(
      read_tensor_file(archive(scratch, {{"data.pkl", pickle}, {"data/0", zeros}}, ZIP_CM_DEFLATE)),
      "is compressed");
  EXPECT_ERROR_SAYS(read_tensor_file(scratch.write("a", "PK\3\4 and nothing else")),
                    "not a readable zip archive");

  std::string corrupt = read_bytes(archive(scratch, {{"data.pkl", pickle}, {"data/0", "marked storage!!"}}));
  corrupt[corrupt.find("marked")] = 'M';
  EXPECT_ERROR_SAYS(read_tensor_file(scratch.write("b", corrupt)), "corrupt");
}

/// The archive's checksums catch most damage, so the rest of the reader is tried behind them as well.
TEST(TorchCheckpoint, SurvivesDamage) {
  Scratch scratch;
  expect_survives_damage(read_bytes(sample("training.pth.tar")), 2000, [&](const std::string& bytes) {
    read_tensor_file(scratch.write("damaged", bytes));
  });
  const std::string pickle = pickled_tensor("K\2K\2\x86", "K\2K\1\x86", 4), data(16, '\0');
  expect_survives_damage(pickle, 2000, [&](const std::string& bytes) {
    read_tensor_file(archive(scratch, {{"data.pkl", bytes}, {"data/0", data}}));
  });
}

// --- the pickle machine alone

TEST(Pickle, ReadsEveryLiteral) {
  using namespace std::string_literals;
  const auto doc = pickle::parse(
      "\x80\x04\x95\0\0\0\0\0\0\0\0(N\x88K\x07M\x01\x02J\xfe\xff\xff\xff\x8a\x00\x8a\x02\x00\xff"
      "G\xbf\xf8\0\0\0\0\0\0\x8c\x02hi\x94h\0t."s);
  const pickle::Object& root = doc.at(doc.root);
  ASSERT_EQ(root.kind, pickle::Kind::kTuple);
  ASSERT_EQ(root.items.size(), 10u);
  const auto item = [&](size_t i) { return doc.at(root.items[i]); };
  EXPECT_EQ(item(0).kind, pickle::Kind::kNone);
  EXPECT_EQ(item(1).kind, pickle::Kind::kBool);
  EXPECT_EQ(item(2).integer, 7);
  EXPECT_EQ(item(3).integer, 0x201);
  EXPECT_EQ(item(4).integer, -2);
  EXPECT_EQ(item(5).integer, 0);
  EXPECT_EQ(item(6).integer, -256);
  EXPECT_EQ(item(7).real, -1.5);
  EXPECT_EQ(item(8).text, "hi");
  EXPECT_EQ(root.items[8], root.items[9]) << "the memo gives the same object back";
}

TEST(Pickle, SurvivesDamage) {
  int error = 0;
  zip_t* zip = ::zip_open(sample("protocol4.pth").c_str(), ZIP_RDONLY, &error);
  ASSERT_NE(zip, nullptr);
  zip_file_t* member = ::zip_fopen(zip, "protocol4/data.pkl", 0);
  ASSERT_NE(member, nullptr);
  std::string program(1 << 16, '\0');
  const auto size = ::zip_fread(member, program.data(), program.size());
  ASSERT_GT(size, 500);
  program.resize(static_cast<size_t>(size));
  ::zip_fclose(member);
  ::zip_discard(zip);
  expect_survives_damage(program, 20000, [](const std::string& bytes) { pickle::parse(bytes); });
}

TEST(Pickle, AllowsCycles) {
  using namespace std::string_literals;
  const auto doc = pickle::parse("\x80\x02]q\0h\0a."s);  // a list that holds itself
  EXPECT_EQ(doc.at(doc.root).items, std::vector<pickle::Ref>{doc.root});
}

TEST(Pickle, Refuses) {
  using namespace std::string_literals;
  const auto says = [](const std::string& bytes, const char* what) {
    EXPECT_ERROR_SAYS(pickle::parse(bytes), what);
  };
  says("", "is truncated");
  says("(I1\n.", "does not begin with a protocol");
  says("\x80\x07.", "uses protocol 7");
  says("\x80\x02.", "takes from an empty stack");
  says("\x80\x02(.", "takes from an empty stack");
  says("\x80\x02t.", "a mark is missing");
  says("\x80\x02h\0."s, "recalls what it never stored");
  says("\x80\x02}K\1a.", "extends something");
  says("\x80\x02}(K\1u."s, "a dict key has no value");
  says("\x80\x02K\1}s."s, "extends something");
  says("\x80\x02NN\x85\x62.", "sets the attributes of an object that is not a dict");
  says("\x80\x02NNR.", "calls something that has no name");
  says("\x80\x02X\xff\xff\xff\xffhi."s, "is truncated");
  says(
      "\x80\x02"
      "cos\nsystem\n(X\1\0\0\0xtR."s,
      "asks for os.system");
  says(
      "\x80\x04\x8c\x08"
      "builtins\x8c\x04"
      "eval\x93.",
      "asks for builtins.eval");
  says(
      "\x80\x02"
      "c__builtin__\nexec\n.",
      "asks for __builtin__.exec");
  says(
      "\x80\x02"
      "ctorch._utils\n_rebuild_tensor_v2\n(" +
          std::string(17, 'N') + "tR.",
      "calls something");
  says("\x80\x02)\x81.", "opcode 0x81");  // NEWOBJ
  says(
      "\x80\x02"
      "i\n\n.",
      "opcode 0x69");  // INST
  says(
      "\x80\x02"
      "ccollections\nOrderedDict\nK\1\x85R."s,
      "arguments that no state dict has");
  says("\x80\x02NQ.", "is not a tensor storage");
  says(
      "\x80\x02\x8a\x09"
      "123456789.",
      "more than 64 bits");
  says("\x80\x02" + std::string(1'000'001, 'N') + ".", "more than 1000000 objects");
  says("\x80\x02" + std::string(5'000'000, '('), "is truncated");
}

}  // namespace
}  // namespace sramsim
