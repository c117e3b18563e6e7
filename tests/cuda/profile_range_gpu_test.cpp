// The ranges that a profiler sees, as a tool that NVTX loads writes them down (tests/nvtx_recorder.cpp):
// names, nesting, and all of them closed. Those of the host need no device.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/cuda/gpu.h"
#include "tests/source_dir.h"

namespace sramsim {
namespace {

/// How often each range was opened, with those around it: "evaluate/batch/conv1".
std::map<std::string, int> ranges_of(const std::string& arguments) {
  const std::string record = testing::TempDir() + "nvtx_record.txt", out = testing::TempDir() + "nvtx_run";
  const std::string command = "NVTX_INJECTION64_PATH=" SRAMSIM_NVTX_RECORDER " NVTX_RECORD=" + record +
                              " " SRAMSIM_BINARY " " + arguments + " --dataset-dir " + test::source_dir() +
                              "/datasets/mnist >" + out + ".log 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  std::map<std::string, int> counts;
  std::vector<std::string> open;
  std::ifstream file(record);
  for (std::string line; std::getline(file, line);) {
    if (line[0] == '>') {
      open.push_back((open.empty() ? "" : open.back() + "/") + line.substr(1));
      ++counts[open.back()];
    } else {
      EXPECT_FALSE(open.empty()) << "a range is closed twice";
      if (!open.empty()) open.pop_back();
    }
  }
  EXPECT_TRUE(open.empty()) << open.back() << " stays open";
  return counts;
}

int count(const std::map<std::string, int>& counts, const std::string& range) {
  const auto found = counts.find(range);
  return found == counts.end() ? 0 : found->second;
}

std::string infer(const std::string& device) {
  return "infer --checkpoint " + test::source_dir() + "/models/seed_w4a4.safetensors --device " + device +
         " --limit 48 --batch 16 --stats-images 0";
}
std::string train(const std::string& device) {
  const std::string out = testing::TempDir() + "nvtx_train";
  std::filesystem::remove_all(out);
  return "train --epochs 2 --limit 64 --batch 32 --device " + device + " --out " + out;
}

#define SRAMSIM_NEEDS_RECORDER() \
  if (!std::filesystem::exists(SRAMSIM_NVTX_RECORDER)) GTEST_SKIP() << "no " SRAMSIM_NVTX_RECORDER

TEST(ProfileRanges, OfInferenceNest) {
  SRAMSIM_NEEDS_RECORDER();
  const auto counts = ranges_of(infer("cpu"));
  EXPECT_EQ(count(counts, "evaluate"), 1);
  EXPECT_EQ(count(counts, "evaluate/batch"), 3);
  for (const char* layer : {"conv1", "conv2", "fc1"})
    EXPECT_GE(count(counts, std::string("evaluate/batch/") + layer), 6) << layer;
  EXPECT_EQ(count(counts, "evaluate/batch/conv1/conv2"), 0) << "a layer's range holds another's";
  EXPECT_GE(count(counts, "evaluate/batch/avg_pool"), 3);
}

TEST(ProfileRanges, OfTrainingNest) {
  SRAMSIM_NEEDS_RECORDER();
  const auto counts = ranges_of(train("cpu"));
  EXPECT_EQ(count(counts, "epoch"), 2);
  EXPECT_EQ(count(counts, "epoch/step"), 4);
  EXPECT_EQ(count(counts, "epoch/step/conv2"), 8);  // forward and backward
  EXPECT_EQ(count(counts, "epoch/evaluate"), 2);
  for (const auto& [range, times] : counts)
    EXPECT_NE(range.back(), '/') << "a range without a name: " << range;
}

TEST(ProfileRanges, OfSweepsHoldTheirPasses) {
  SRAMSIM_NEEDS_RECORDER();
  const auto counts =
      ranges_of("sweep --checkpoint " + test::source_dir() +
                "/models/seed_w4a4.safetensors --device cpu --limit 16 --subarray 64,128 --adc-bits 4,5 "
                "--no-figures --csv " +
                testing::TempDir() + "nvtx_sweep.csv --fresh");
  EXPECT_GE(count(counts, "sweep pass"), 1);
  EXPECT_GE(count(counts, "sweep pass/evaluate"), 1);
}

TEST(ProfileRanges, OfADeviceNameKernelFamilies) {
  SRAMSIM_NEEDS_GPU();
  SRAMSIM_NEEDS_RECORDER();
  EXPECT_GE(count(ranges_of(infer("cuda")), "evaluate/batch/conv2/sram_conv"), 3);
  const auto counts = ranges_of(train("cuda"));
  for (const char* family : {"conv_forward", "conv_backward"})
    EXPECT_GE(count(counts, std::string("epoch/step/conv2/") + family), 1) << family;
}

}  // namespace
}  // namespace sramsim
