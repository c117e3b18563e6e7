// Every error: the right exit code, one line on stderr that names the culprit, nothing half-written.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "host/model/network.h"
#include "tests/cli/cli.h"

namespace sramsim::test {
namespace {

using Arguments = std::vector<std::string>;

void expect_error(const CliResult& r, int exit_code, const std::string& fragment, const std::string& what) {
  EXPECT_EQ(r.exit_code, exit_code) << what << ": " << r.err;
  EXPECT_EQ(r.err.rfind("sramsim: ", 0), 0u) << what << ": " << r.err;
  EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << what << ": " << r.err;
  EXPECT_NE(r.err.find(fragment), std::string::npos) << what << ": '" << fragment << "' is not in: " << r.err;
}

std::string joined(const Arguments& arguments) {
  return fmt::format("sramsim {}", fmt::join(arguments, " "));
}

/// A folder with good operands, in which every call must fail and leave nothing new.
class Errors : public testing::Test {
 protected:
  void SetUp() override {
    write_npy(folder_ / "q.npy", counting_codes(DType::kU8, {2, 3, 6, 6}, 0, 15));
    write_npy(folder_ / "c.npy", counting_codes(DType::kI8, {4, 3, 3, 3}, -8, 7));
  }

  void expect(const Arguments& arguments, int exit_code, const std::string& fragment) {
    const auto before = folder_.files();
    expect_error(sramsim(arguments, folder_.path()), exit_code, fragment, joined(arguments));
    EXPECT_EQ(folder_.files(), before) << joined(arguments);
  }
  /// A good layer run with something changed: later flags win.
  void expect_layer(const Arguments& more, const std::string& fragment, int exit_code = 2) {
    Arguments all = {"layer", "--input", "q.npy", "--weight", "c.npy", "--output", "y.npy"};
    all.insert(all.end(), more.begin(), more.end());
    expect(all, exit_code, fragment);
  }
  Arguments network_run(const std::string& command, const Arguments& more) const {
    Arguments all = {
        command, "--checkpoint", kTorchCheckpoint.string(), "--dataset-dir", kMnist.string(), "--limit", "2"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  void expect_infer(const Arguments& more, const std::string& fragment, int exit_code = 2) {
    expect(network_run("infer", more), exit_code, fragment);
  }
  void expect_sweep(const Arguments& more, const std::string& fragment, int exit_code = 2) {
    expect(network_run("sweep", more), exit_code, fragment);
  }

  TempFolder folder_;
};

TEST_F(Errors, BadUsage) {
  expect({}, 2, "subcommand");
  expect({"frobnicate"}, 2, "frobnicate");
  expect({"layer"}, 2, "required");
  expect_layer({"--frobnicate"}, "--frobnicate");
  expect_layer({"--stride"}, "--stride");
  expect_layer({"--stride", "two"}, "--stride");
  expect_layer({"stray"}, "stray");
  expect_layer({"--device", "tpu"}, "--device");
  expect_layer({"--threads", "-1"}, "--threads");
  expect_infer({"--limit", "-1"}, "--limit");
  expect_infer({"--limit", "99999999999999999999"}, "--limit");
  for (const char* seed : {"-1", "1e3", "", "99999999999999999999"})
    expect({"train", "--out", "run", "--seed", seed}, 2, "--seed");
  expect_infer({"--batch", "0"}, "--batch");
  expect_infer({"--batch", "1e3"}, "--batch");
  expect_infer({"--stats-images", "-2"}, "--stats-images");
  expect_infer({"--stats-images", "0", "--histograms", "h.csv"}, "--histograms");
}

TEST_F(Errors, SettingsOutOfRange) {
  expect_layer({"--abits", "9"}, "--abits");
  expect_layer({"--abits", "0"}, "--abits");
  expect_layer({"--wbits", "1"}, "--wbits");
  expect_layer({"--wbits", "9"}, "--wbits");
  expect_layer({"--subarray", "0"}, "--subarray");
  expect_layer({"--subarray", "65537"}, "--subarray");
  expect_layer({"--subarray", "64x"}, "--subarray");
  expect_layer({"--subarray", "99999999999999"}, "--subarray");
  expect_layer({"--mapping", "diagonal"}, "--mapping");
  expect_layer({"--mapping", "whole-kernel", "--subarray", "8"}, "8");
  expect_layer({"--encoding", "gray"}, "--encoding");
  expect_layer({"--encoding", "differential"}, "-8");
  expect_layer({"--dac-bits", "9"}, "--dac-bits");
  expect_layer({"--adc-bits", "17"}, "--adc-bits");
  expect_layer({"--adc-bits", "-1"}, "--adc-bits");
  expect_layer({"--adc-mode", "flash"}, "--adc-mode");
  expect_layer({"--adc-range", "0"}, "--adc-range");
  expect_layer({"--adc-range", "nan"}, "--adc-range");
  expect_layer({"--stride", "0"}, "--stride");
  expect_layer({"--padding", "-1"}, "--padding");
  expect_layer({"--kernel", "warp"}, "warp");
  expect_layer({"--kernel", "integer", "--subarray", "27", "--adc-bits", "1"}, "integer");
  expect_infer({"--wbits", "9"}, "--wbits");
  expect_infer({"--abits", "-4"}, "--abits");
  expect_infer({"--subarray", "8", "--mapping", "whole-kernel"}, "conv1");
  expect_infer({"--kernel", "integer", "--subarray", "64", "--adc-bits", "2"}, "conv2");
  expect_sweep({"--subarray", "64,,32"}, "--subarray");
  expect_sweep({"--subarray", "64,0"}, "--subarray");
  expect_sweep({"--adc-mode", "uniform,flash"}, "--adc-mode");
  expect_sweep({"--wbits", "4,1"}, "--wbits");
  expect_sweep({"--map-linear", "perhaps"}, "--map-linear");
  expect_sweep({"--mapping", "whole-kernel", "--subarray", "8", "--csv", "s.csv"}, "subarray=8");
}

TEST_F(Errors, UnusableNpyFiles) {
  const std::string good = read_text(folder_ / "q.npy");
  write_text(folder_ / "short.npy", good.substr(0, good.size() - 1));
  write_text(folder_ / "long.npy", good + "x");
  write_text(folder_ / "header.npy", good.substr(0, 20));
  write_text(folder_ / "empty.npy", "");
  write_text(folder_ / "magic.npy", "not numpy at all, whatever the name says");
  write_npy(folder_ / "three.npy", counting_codes(DType::kU8, {3, 6, 6}, 0, 15));
  write_npy(folder_ / "none.npy", counting_codes(DType::kU8, {0, 3, 6, 6}, 0, 15));
  write_npy(folder_ / "float.npy", make_tensor(DType::kF32, {2, 3, 6, 6}));
  fs::create_directory(folder_ / "folder.npy");
  for (const char* name : {"short.npy", "long.npy", "header.npy", "empty.npy", "magic.npy", "three.npy",
                           "none.npy", "float.npy", "folder.npy", "absent.npy"}) {
    expect_layer({"--input", name}, name);
    expect_layer({"--weight", name}, name);
  }
}

TEST_F(Errors, OperandsThatDoNotFit) {
  write_npy(folder_ / "channels.npy", counting_codes(DType::kI8, {4, 2, 3, 3}, -8, 7));
  write_npy(folder_ / "large.npy", counting_codes(DType::kI8, {4, 3, 7, 7}, -8, 7));
  expect_layer({"--weight", "channels.npy"}, "channels.npy");
  expect_layer({"--weight", "large.npy"}, "large.npy");
  expect_layer({"--abits", "3"}, "--abits 3");
  expect_layer({"--wbits", "3"}, "c.npy");
}

TEST_F(Errors, OutputsThatCannotBeWritten) {
  fs::create_directory(folder_ / "folder");
  expect_layer({"--output", "absent/y.npy"}, "absent");
  expect_layer({"--output", "folder"}, "folder");
  expect_layer({"--output", "/dev/full"}, "/dev/full", 1);
  expect_infer({"--json", "absent/r.json"}, "--json");
  expect_infer({"--logits", "absent/l.npy"}, "--logits");
  expect_infer({"--json", "/dev/full"}, "/dev/full", 1);
  expect_infer({"--logits", "/dev/full"}, "/dev/full", 1);
  expect_sweep({"--csv", "absent/s.csv"}, "--csv");
  expect_sweep({"--csv", "/dev/full"}, "/dev/full", 1);
  expect_sweep({"--csv", "/dev/null", "--json", "/dev/full"}, "/dev/full", 1);
  expect({"convert", "--checkpoint", kTorchCheckpoint.string(), "--output", "absent/n.safetensors"}, 2,
         "absent");
  expect({"convert", "--checkpoint", kTorchCheckpoint.string(), "--output", "/dev/full"}, 1, "/dev/full");
}

TEST_F(Errors, UnusableCheckpoints) {
  ASSERT_EQ(sramsim({"convert", "--checkpoint", kTorchCheckpoint.string(), "--output", "net.safetensors"},
                    folder_.path())
                .exit_code,
            0);
  const std::string good = read_text(folder_ / "net.safetensors"), torch = read_text(kTorchCheckpoint);
  write_text(folder_ / "short.safetensors", good.substr(0, good.size() - 5));
  write_text(folder_ / "long.safetensors", good + "more");
  write_text(folder_ / "tiny.safetensors", good.substr(0, 6));
  write_text(folder_ / "text.safetensors", "this is no checkpoint of any kind, only a line of text\n");
  write_text(folder_ / "short.pth.tar", torch.substr(0, torch.size() / 2));
  fs::create_directory(folder_ / "folder.safetensors");
  const auto broken = [&](const char* name, const auto& change) {
    Checkpoint checkpoint = load_checkpoint(folder_ / "net.safetensors");
    change(checkpoint.file.tensors);
    write_safetensors(folder_ / name, [&] {
      TensorFile file = read_safetensors(folder_ / "net.safetensors");
      file.tensors = checkpoint.file.tensors;
      return file;
    }());
  };
  using Tensors = std::map<std::string, HostTensor>;
  broken("nan.safetensors", [](Tensors& t) { t["conv2.weight"].as<float>()[7] = std::nanf(""); });
  broken("inf.safetensors",
         [](Tensors& t) { t["fc1.bias"].as<float>()[0] = std::numeric_limits<float>::infinity(); });
  broken("alpha.safetensors", [](Tensors& t) { t["fc2.act_quant.act_alpha"].as<float>()[0] = -1.0f; });
  broken("missing.safetensors", [](Tensors& t) { t.erase("fc2.weight"); });
  broken("extra.safetensors", [](Tensors& t) { t["conv9.weight"] = make_tensor(DType::kF32, {2}); });
  broken("shape.safetensors", [](Tensors& t) {
    t["conv1.weight"] = make_tensor(DType::kF32, {128, 1, 3, 2});
  });
  for (const char* name : {"short.safetensors", "long.safetensors", "tiny.safetensors", "text.safetensors",
                           "short.pth.tar", "folder.safetensors", "absent.safetensors", "nan.safetensors"}) {
    expect_infer({"--checkpoint", name}, name);
    expect_sweep({"--checkpoint", name}, name);
    expect({"convert", "--checkpoint", name, "--output", "n.safetensors"}, 2, name);
  }
  expect_infer({"--checkpoint", "nan.safetensors"}, "conv2.weight");
  expect_infer({"--checkpoint", "inf.safetensors"}, "fc1.bias");
  expect_infer({"--checkpoint", "alpha.safetensors"}, "fc2.act_quant.act_alpha");
  expect_infer({"--checkpoint", "missing.safetensors"}, "fc2.weight");
  expect_infer({"--checkpoint", "extra.safetensors"}, "conv9.weight");
  expect_infer({"--checkpoint", "shape.safetensors"}, "conv1.weight");
}

/// An IDX file of `count` items of the given size, big-endian header.
std::string idx(uint32_t magic, std::vector<uint32_t> sizes, size_t bytes) {
  std::string text;
  sizes.insert(sizes.begin(), magic);
  for (const uint32_t word : sizes)
    for (int shift = 24; shift >= 0; shift -= 8) text.push_back(static_cast<char>(word >> shift & 0xff));
  return text + std::string(bytes, '\x01');
}

TEST_F(Errors, UnusableDatasets) {
  const auto dataset = [&](const char* name, const std::string& images, const std::string& labels) {
    fs::create_directory(folder_ / name);
    if (!images.empty()) write_text(folder_ / (std::string(name) + "/t10k-images-idx3-ubyte"), images);
    if (!labels.empty()) write_text(folder_ / (std::string(name) + "/t10k-labels-idx1-ubyte"), labels);
  };
  const std::string images = idx(0x803, {3, 28, 28}, 3 * 784), labels = idx(0x801, {3}, 3);
  dataset("good", images, labels);
  dataset("nothing", "", "");
  dataset("truncated", images.substr(0, images.size() - 1), labels);
  dataset("oversized", images + "x", labels);
  dataset("magic", idx(0x804, {3, 28, 28}, 3 * 784), labels);
  dataset("uneven", images, idx(0x801, {4}, 4));
  dataset("wide", idx(0x803, {3, 20, 28}, 3 * 560), labels);
  dataset("classes", images, idx(0x801, {3}, 0) + "\x01\x0b\x02");
  const CliResult fine =
      sramsim(network_run("infer", {"--dataset-dir", "good", "--stats-images", "0"}), folder_.path());
  EXPECT_EQ(fine.exit_code, 0) << fine.err;
  expect_infer({"--dataset-dir", "absent"}, "absent");
  expect_infer({"--dataset-dir", "q.npy"}, "q.npy");
  for (const char* name : {"nothing", "truncated", "oversized", "magic", "uneven"})
    expect_infer({"--dataset-dir", name}, name);
  expect_infer({"--dataset-dir", "wide"}, "20x28");
  expect_infer({"--dataset-dir", "classes"}, "label");
}

TEST_F(Errors, BadConfigurationFiles) {
  write_text(folder_ / "key.toml", "limit = 3\nfrobnicate = 1\n");
  write_text(folder_ / "table.toml", "[frobnicate]\nlimit = 3\n");
  write_text(folder_ / "syntax.toml", "limit = 3\nbatch = = 4\n");
  write_text(folder_ / "value.toml", "[infer]\nlimit = 1979-05-27\n");
  write_text(folder_ / "range.toml", "batch = 0\n");
  fs::create_directory(folder_ / "folder.toml");
  expect_infer({"--config", "absent.toml"}, "absent.toml");
  expect_infer({"--config", "folder.toml"}, "folder.toml");
  expect_infer({"--config", "key.toml"}, "key.toml: line 2: 'frobnicate'");
  expect_infer({"--config", "table.toml"}, "table.toml: line 1");
  expect_infer({"--config", "syntax.toml"}, "syntax.toml: line 2");
  expect_infer({"--config", "value.toml"}, "value.toml: line 2");
  expect_infer({"--config", "range.toml"}, "--batch");
  write_text(folder_ / "layer.toml", "[layer.conv1]\nadc-bits = 1\n");
  write_text(folder_ / "other.toml", "[train]\nfrobnicate = 1\n");
  write_text(folder_ / "twice.toml", "adc-bits = 1\nadc_bits = 2\n");
  expect_infer({"--config", "layer.toml"}, "layer.toml: line 1: [layer.conv1]: settings of single layers");
  expect_infer({"--config", "other.toml"}, "other.toml: line 2: 'frobnicate' is no option of sramsim train");
  expect_infer({"--config", "twice.toml"}, "twice.toml: line 2: 'adc-bits' is given twice");
  expect({"sweep", "--grid", "folder.toml"}, 2, "--grid folder.toml: is a folder");
}

/// No output replaces what a command reads, nor another output.
TEST_F(Errors, OutputsAreFilesOfTheirOwn) {
  const std::string q = read_text(folder_ / "q.npy");
  for (const char* same : {"q.npy", "./q.npy"})
    expect({"layer", "--input", "q.npy", "--weight", "c.npy", "--output", same}, 2, "is the file of --input");
  fs::create_symlink("q.npy", folder_ / "link.npy");
  expect({"layer", "--input", "q.npy", "--weight", "c.npy", "--output", "link.npy"}, 2,
         "is the file of --input");
  EXPECT_EQ(read_text(folder_ / "q.npy"), q);
  write_text(folder_ / "grid.toml", "adc-bits = [3, 4]\n");
  expect({"sweep", "--grid", "grid.toml", "--json", "grid.toml"}, 2,
         "--json grid.toml: is the file of --grid");
  expect({"sweep", "--csv", "s.csv", "--json", "s.csv"}, 2, "--json s.csv: is the file of --csv");
  expect({"sweep", "--csv", "s.csv", "--jsonl", "s.csv"}, 2, "--jsonl s.csv: is the file of --csv");
  expect_infer({"--json", "r", "--logits", "r"}, "--logits r: is the file of --json");
  EXPECT_FALSE(fs::exists(folder_ / "s.csv"));
}

TEST_F(Errors, FullDiskBehindStdout) {
  const auto layer = Arguments{"layer", "--input", "q.npy", "--weight", "c.npy", "--output", "y.npy"};
  for (const Arguments& arguments : {Arguments{"--version"}, Arguments{"--help"}, layer})
    expect_error(sramsim_into("/dev/full", arguments, folder_.path()), 1, "stdout", joined(arguments));
}

TEST_F(Errors, CtrlCEndsCleanly) {
  const auto before = folder_.files();
  for (const int signal : {SIGINT, SIGTERM}) {
    Arguments arguments = {"sweep",         "--checkpoint",       kTorchCheckpoint.string(),
                           "--dataset-dir", kMnist.string(),      "--subarray",
                           "16,32,64,128",  "--adc-bits",         "1,2,3,4,5",
                           "--adc-mode",    "uniform,saturating", "--csv",
                           "s.csv"};
    const CliResult r = sramsim_interrupted(arguments, folder_.path(), signal, 1200);
    expect_error(r, 130, "interrupted", "signal " + std::to_string(signal));
    fs::remove(folder_ / "s.csv");  // the rows that were finished: they are kept
    EXPECT_EQ(folder_.files(), before);
  }
}

}  // namespace
}  // namespace sramsim::test
