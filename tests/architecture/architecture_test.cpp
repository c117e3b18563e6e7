// The rules of the tree, checked on its text: what may include what, and how long a file may grow.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace sramsim {
namespace {

namespace fs = std::filesystem;

struct SourceFile {
  std::string path;  // from the root of the repository, with '/'
  std::vector<std::string> lines;
  bool in(std::string_view folder) const { return path.starts_with(folder); }
  bool ends(std::string_view tail) const { return path.ends_with(tail); }
};

bool is_code(const SourceFile& file) {
  return file.ends(".cpp") || file.ends(".h") || file.ends(".cu") || file.ends(".cuh");
}

std::vector<SourceFile> read_tree() {
  static const std::array kFolders = {"kernels", "host",    "models", "datasets", "tests",
                                      "bench",   "scripts", "cmake",  "docs",     ".ci"};
  static const std::array kText = {".cpp", ".h",   ".cu",    ".cuh",  ".py",   ".sh",
                                   ".md",  ".txt", ".cmake", ".toml", ".json", ""};
  const fs::path root = SRAMSIM_SOURCE_DIR;
  std::vector<fs::path> paths;
  for (const char* folder : kFolders) {
    if (!fs::is_directory(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder))
      if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  for (const auto& entry : fs::directory_iterator(root))
    if (entry.is_regular_file()) paths.push_back(entry.path());

  std::vector<SourceFile> files;
  for (const fs::path& path : paths) {
    if (std::find(kText.begin(), kText.end(), path.extension().string()) == kText.end()) continue;
    SourceFile file{fs::relative(path, root).generic_string(), {}};
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) file.lines.push_back(line);
    files.push_back(std::move(file));
  }
  return files;
}

const std::vector<SourceFile>& tree() {
  static const std::vector<SourceFile> files = read_tree();
  return files;
}

// The part of a line in front of a // comment (good enough for the rules below: no string holds "//" and a
// forbidden word at once, or it is a finding worth a look).
std::string code_of(const std::string& line) {
  return line.substr(0, line.find("//"));
}

// One line per finding, "path:line: text".
std::string findings(const std::function<bool(const SourceFile&)>& where, const std::regex& forbidden,
                     bool code_only) {
  std::ostringstream found;
  for (const SourceFile& file : tree()) {
    if (!where(file)) continue;
    for (size_t i = 0; i < file.lines.size(); ++i)
      if (std::regex_search(code_only ? code_of(file.lines[i]) : file.lines[i], forbidden))
        found << file.path << ":" << i + 1 << ": " << file.lines[i] << "\n";
  }
  return found.str();
}

TEST(Architecture, TheTreeIsRead) {
  // Every rule below would pass on an empty list.
  const auto has = [](std::string_view path) {
    return std::any_of(tree().begin(), tree().end(), [&](const SourceFile& f) { return f.path == path; });
  };
  EXPECT_TRUE(has("CMakeLists.txt"));
  EXPECT_TRUE(has("kernels/backend/backend.h"));
  EXPECT_TRUE(has("host/cli/main.cpp"));
  EXPECT_TRUE(has("tests/architecture/architecture_test.cpp"));
  EXPECT_GT(tree().size(), 60u);
}

TEST(Architecture, KernelsKnowNothingOfTheHost) {
  const std::regex include(R"re(#\s*include\s*"(host|models|datasets|tests|bench)/)re");
  EXPECT_EQ(findings([](const SourceFile& f) { return f.in("kernels/"); }, include, true), "");
}

TEST(Architecture, KernelsKnowNothingOfFilesAndOptions) {
  const std::regex include(
      R"re(#\s*include\s*[<"](CLI|nlohmann|toml\+\+|zip\.h|zlib\.h|filesystem|fstream))re");
  EXPECT_EQ(findings([](const SourceFile& f) { return f.in("kernels/"); }, include, true), "");
}

TEST(Architecture, TheHostKnowsNoCuda) {
  const std::regex cuda(R"re(\bcuda[A-Z]\w*|\bcudnn\w*|\bcublas\w*|__global__|__device__|__CUDACC__|<<<)re");
  EXPECT_EQ(
      findings([](const SourceFile& f) { return f.in("host/") || f.in("models/") || f.in("datasets/"); },
               cuda, true),
      "");
}

TEST(Architecture, TheHostKnowsNoIntrinsics) {
  const std::regex simd(R"re(\w+intrin\.h|\b_mm\d*_\w+|\b__m(128|256|512))re");
  EXPECT_EQ(findings([](const SourceFile& f) { return is_code(f) && !f.in("kernels/"); }, simd, true), "");
}

TEST(Architecture, IntrinsicsStandInFilesOfTheirInstructionSet) {
  // Private kernel headers (*_avx512.h, *_impl.h) are compiled only from such files.
  const std::regex simd(R"re(\w+intrin\.h)re");
  const auto where = [](const SourceFile& f) {
    static const std::regex allowed(R"re(_(avx2|avx512|amx|impl)\.(cpp|h)$)re");
    return f.in("kernels/") && !std::regex_search(f.path, allowed);
  };
  EXPECT_EQ(findings(where, simd, true), "");
}

TEST(Architecture, InlineAssemblyStandsInOneFile) {
  // Split, so that this file does not find itself.
  const std::regex assembly(
      "\\b(__)?as"
      "m(__)?\\s*(volatile|__volatile__)?\\s*\\(");
  EXPECT_EQ(findings([](const SourceFile& f) { return is_code(f) && f.path != "kernels/cuda/ptx.h"; },
                     assembly, true),
            "");
}

TEST(Architecture, FilesStayShort) {
  constexpr size_t kLongest = 600;
  for (const SourceFile& file : tree())
    if (is_code(file)) {
      EXPECT_LE(file.lines.size(), kLongest) << file.path << ": split it by idea";
    }
}

TEST(Architecture, HeadersAreGuardedOnce) {
  for (const SourceFile& file : tree())
    if ((file.ends(".h") || file.ends(".cuh")) && !file.ends("_impl.h")) {  // those are meant to be repeated
      EXPECT_EQ(std::count(file.lines.begin(), file.lines.end(), "#pragma once"), 1) << file.path;
    }
}

TEST(Architecture, NothingNamesOneMachine) {
  // Split, so that this file does not find itself.
  const std::regex machine(std::string("/ho") + "me/\\w|/ro" + "ot/\\w|/wo" + "rk/\\w|/Use" +
                           "rs/\\w|\\.\\./sha" + "red|deb\\.deb" + "ian\\.org|files\\.pyth" +
                           "onhosted|pypi\\.o" + "rg|sources\\.li" + "st");
  EXPECT_EQ(findings([](const SourceFile&) { return true; }, machine, false), "");
}

}  // namespace
}  // namespace sramsim
