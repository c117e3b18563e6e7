// Files that grow by durable lines, and the CSV lines in them.
#include "host/formats/line_file.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include "host/formats/csv.h"
#include "kernels/core/error.h"
#include "tests/formats/scratch.h"

namespace sramsim {
namespace {

using Lines = std::vector<std::string>;

TEST(CsvLine, ReadsBackWhatItWrites) {
  for (const Lines& fields : {Lines{"a", "b"}, Lines{""}, Lines{"", ""}, Lines{"a,b", "c\"d\"", "\"", ""},
                              Lines{"1.5", "x y", "shape-wise"}})
    EXPECT_EQ(parse_csv_line(csv_line(fields)), fields);
  EXPECT_EQ(csv_line({"two\nlines"}), "two lines");
  EXPECT_EQ(parse_csv_line("a,b\r"), (Lines{"a", "b"}));
  EXPECT_FALSE(parse_csv_line("\"open"));
  EXPECT_FALSE(parse_csv_line("\"a\"b,c"));
}

TEST(LineFile, AppendsAndReadsBack) {
  const Scratch scratch;
  {
    LineFile file(scratch / "rows");
    EXPECT_TRUE(file.lines().empty());
    file.append("one");
    file.append("two");
  }
  EXPECT_EQ(read_bytes(scratch / "rows"), "one\ntwo\n");
  const LineFile again(scratch / "rows");
  EXPECT_EQ(again.lines(), (Lines{"one", "two"}));
  EXPECT_EQ(again.rest(), "");
}

TEST(LineFile, ACutLineIsNoLine) {
  const Scratch scratch;
  scratch.write("rows", "one\ntw");
  LineFile file(scratch / "rows");
  EXPECT_EQ(file.lines(), Lines{"one"});
  EXPECT_EQ(file.rest(), "tw");
  file.replace(file.lines());
  file.append("three");
  EXPECT_EQ(read_bytes(scratch / "rows"), "one\nthree\n");
  EXPECT_EQ(scratch.entries(), 1u);
}

TEST(LineFile, OneWriterAtATime) {
  const Scratch scratch;
  LineFile first(scratch / "rows");
  const auto open_another = [&] { LineFile second(scratch / "rows"); };
  EXPECT_ERROR_SAYS(open_another(), "rows: another process is writing to it");
  first.append("one");
  first.replace({"two"});  // another file under the same name
  EXPECT_ERROR_SAYS(open_another(), "another process");
  first.move_away(scratch / "old");
  EXPECT_ERROR_SAYS(open_another(), "another process");
  first.append("three");
  EXPECT_EQ(read_bytes(scratch / "rows"), "three\n");
  EXPECT_EQ(read_bytes(scratch / "old"), "two\n");
}

TEST(LineFile, AnEmptyOneIsNotLeftBehind) {
  const Scratch scratch;
  { const LineFile file(scratch / "rows"); }
  EXPECT_EQ(scratch.entries(), 0u);
  scratch.write("empty", "");
  { const LineFile file(scratch / "empty"); }
  EXPECT_EQ(scratch.entries(), 1u);  // it was there before
}

TEST(LineFile, ReplacesWhatALinkNames) {
  const Scratch scratch;
  scratch.write("target", "one\n");
  std::filesystem::create_symlink("target", scratch / "link");
  LineFile file(scratch / "link");
  file.replace({"two"});
  EXPECT_TRUE(std::filesystem::is_symlink(scratch / "link"));
  EXPECT_EQ(read_bytes(scratch / "target"), "two\n");
}

TEST(LineFile, DevicesAreWrittenToAndErrorsNameTheFile) {
  LineFile null("/dev/null");
  null.append("line");
  null.replace({"other"});
  LineFile full("/dev/full");
  EXPECT_NE(error_of<RunError>([&] { full.append("line"); }).find("/dev/full"), std::string::npos);
  EXPECT_NE(error_of<RunError>([] { LineFile file("/absent/rows"); }).find("/absent/rows"),
            std::string::npos);
}

}  // namespace
}  // namespace sramsim
