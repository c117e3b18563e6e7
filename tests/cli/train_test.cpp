// sramsim train from outside: files, resume, Ctrl-C, and every wrong use.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "host/model/network.h"
#include "tests/cli/cli.h"

namespace sramsim::test {
namespace {

const std::vector<std::string> kShort = {
    "train", "--dataset-dir", kMnist.string(), "--out",    "run", "--limit",   "640", "--epochs",
    "1",     "--alpha-init",  "data",          "--device", "cpu", "--threads", "2"};

std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST(TrainCommand, LeavesCheckpointsAndLogs) {
  const TempFolder folder;
  const CliResult result = sramsim(kShort, folder.path());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("epoch  1/1"), std::string::npos) << result.out;
  for (const char* name : {"run/best.safetensors", "run/last.safetensors", "run/train.csv", "run/train.log"})
    EXPECT_TRUE(fs::exists(folder / name)) << name;
  EXPECT_EQ(load_checkpoint(folder / "run/best.safetensors").network.name, "seed");
  EXPECT_NE(read_text(folder / "run/train.csv").find("alpha_conv1"), std::string::npos);

  // The same folder again would overwrite the run; a finished run has nothing to resume, and says so.
  const CliResult again = sramsim(kShort, folder.path());
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_NE(again.err.find("--resume"), std::string::npos) << again.err;
  const CliResult done = sramsim(with(kShort, {"--resume"}), folder.path());
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_NE(done.out.find("finished"), std::string::npos) << done.out;
  const CliResult other = sramsim(with(kShort, {"--resume", "--lr", "0.5"}), folder.path());
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_NE(other.err.find("--lr 0.5"), std::string::npos) << other.err;
}

TEST(TrainCommand, CtrlCLeavesACheckpointThatResumesToTheSameWeights) {
  const TempFolder folder;
  auto arguments = kShort;
  arguments[6] = "2560";  // long enough to be caught in the middle
  CliResult stopped;
  for (int after = 1500; after <= 12000; after *= 2) {  // a slow machine needs longer to reach its first step
    fs::remove_all(folder / "run");
    stopped = sramsim_interrupted(arguments, folder.path(), SIGINT, after);
    if (fs::exists(folder / "run/last.safetensors")) break;
  }
  if (stopped.exit_code == 130) {
    EXPECT_NE(stopped.out.find("--resume continues"), std::string::npos) << stopped.out;
    load_checkpoint(folder / "run/last.safetensors");
    const CliResult resumed = sramsim(with(arguments, {"--resume"}), folder.path());
    ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  } else {
    ASSERT_EQ(stopped.exit_code, 0) << stopped.err;  // the run was over before the signal
  }
  const auto broken = load_checkpoint(folder / "run/last.safetensors");
  fs::remove_all(folder / "run");
  ASSERT_EQ(sramsim(arguments, folder.path()).exit_code, 0);
  const auto whole = load_checkpoint(folder / "run/last.safetensors");
  for (const auto& [name, tensor] : whole.file.tensors)
    EXPECT_EQ(tensor.bytes, broken.file.tensors.at(name).bytes) << name;
}

TEST(TrainCommand, NamesWhatIsWrong) {
  const TempFolder folder;
  const struct {
    std::vector<std::string> more;
    const char* says;
    int exit_code = 2;
  } cases[] = {
      {{"--epochs", "0"}, "--epochs 0"},
      {{"--lr", "-1"}, "--lr -1"},
      {{"--lr", "fast"}, "--lr"},
      {{"--loss", "hinge"}, "--loss hinge"},
      {{"--alpha-init", "none"}, "--alpha-init none"},
      {{"--lr-steps", "3,x"}, "--lr-steps"},
      {{"--backward", "fft"}, "fft"},
      {{"--wbits", "9"}, "--wbits"},
      {{"--abits", "0"}, "--abits"},
      {{"--resume"}, "last.safetensors"},
      {{"--dataset-dir", "nowhere"}, "nowhere"},
      {{"--out", "/proc/nowhere"}, "/proc/nowhere", 1},
  };
  for (const auto& c : cases) {
    const CliResult result = sramsim(with(kShort, c.more), folder.path());
    EXPECT_EQ(result.exit_code, c.exit_code) << c.says << ": " << result.err;
    EXPECT_NE(result.err.find(c.says), std::string::npos) << c.says << ": " << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
  EXPECT_TRUE(folder.files().empty());
}

}  // namespace
}  // namespace sramsim::test
