// Drawing as a separate program: what it is given, and what becomes of it where it fails or is missing.
#include "host/sweep/figures.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace sramsim::test {
namespace {

namespace fs = std::filesystem;

class Figures : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "sramsim-figures-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    ::setenv("SRAMSIM_SCRIPTS", folder_.c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("SRAMSIM_SCRIPTS");
    fs::remove_all(folder_);
  }

  void script(const std::string& text) const { std::ofstream(folder_ / "figures.sh") << text; }
  std::string written(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(folder_ / name).rdbuf();
    return text.str();
  }

  fs::path folder_;
};

TEST_F(Figures, TheScriptGetsTheRowsAndAFolderBesideThem) {
  script("printf '%s\\n' \"$@\" >\"$(dirname \"$0\")/words\"\n");
  EXPECT_EQ(draw_figures(folder_ / "a.b.csv", {}),
            "figures in " + (folder_ / "a.b_figures/report.html").string());
  EXPECT_EQ(written("words"),
            (folder_ / "a.b.csv").string() + "\n--out=" + (folder_ / "a.b_figures").string() + "\n--quiet\n");
}

TEST_F(Figures, HistogramsLieBesideThePictures) {
  script("printf '%s\\n' \"$@\" >\"$(dirname \"$0\")/words\"\n");
  const PointHistograms histograms{"layer,partial_sum\n", "subarray 64, $(touch stolen)"};
  EXPECT_EQ(draw_figures(folder_ / "s.csv", {}, histograms),
            "figures in " + (folder_ / "s_figures/report.html").string());
  EXPECT_EQ(written("s_figures/partial_sums.csv"), histograms.csv);
  EXPECT_NE(
      written("words").find("--quiet\n--histograms=" + (folder_ / "s_figures/partial_sums.csv").string() +
                            "\n--histograms-of=" + histograms.of + "\n"),
      std::string::npos);
  // A folder that cannot be made costs the pictures, no more.
  std::ofstream(folder_ / "file") << "x";
  EXPECT_EQ(draw_figures(folder_ / "s.csv", {.folder = (folder_ / "file/in").string()}, histograms)
                .find("no figures: "),
            0u);
}

TEST_F(Figures, NoShellReadsTheNames) {
  script("printf '%s\\n' \"$@\" >\"$(dirname \"$0\")/words\"\n");
  const std::string odd = "it's $(touch stolen) `x`; \"q\" *.csv";
  draw_figures(folder_ / odd, {.folder = "-o $HOME"});
  EXPECT_EQ(written("words"), (folder_ / odd).string() + "\n--out=-o $HOME\n--quiet\n");
  EXPECT_FALSE(fs::exists("stolen"));
}

TEST_F(Figures, AFailureIsALineAndNoMore) {
  script("echo first; echo 'no matplotlib here' >&2; exit 3\n");
  EXPECT_EQ(draw_figures("s.csv", {}), "no figures: no matplotlib here");
  script("exit 3\n");
  EXPECT_EQ(draw_figures("s.csv", {}), "no figures: figures.sh ended with status 3");
  script("kill -9 $$\n");
  EXPECT_EQ(draw_figures("s.csv", {}), "no figures: figures.sh ended with status 137");
  script("for i in $(seq 20000); do echo \"a line longer than a pipe holds $i\"; done; exit 1\n");
  EXPECT_EQ(draw_figures("s.csv", {}), "no figures: a line longer than a pipe holds 20000");
}

TEST_F(Figures, WithoutTheScriptThereAreNone) {
  EXPECT_NE(draw_figures("s.csv", {}).find("no figures: there is no " + folder_.string()), std::string::npos);
  const char* path = std::getenv("PATH");
  const std::string kept = path ? path : "";
  script("exit 0\n");
  ::setenv("PATH", folder_.c_str(), 1);
  EXPECT_EQ(draw_figures("s.csv", {}), "no figures: bash: No such file or directory");
  ::setenv("PATH", kept.c_str(), 1);
}

TEST_F(Figures, OffIsSilent) {
  script("touch \"$(dirname \"$0\")/ran\"\n");
  EXPECT_EQ(draw_figures("s.csv", {.off = true}), "");
  EXPECT_EQ(draw_figures("", {}), "");
  ::setenv("SRAMSIM_SCRIPTS", "", 1);
  EXPECT_EQ(draw_figures("s.csv", {}), "");
  EXPECT_FALSE(fs::exists(folder_ / "ran"));
}

}  // namespace
}  // namespace sramsim::test
