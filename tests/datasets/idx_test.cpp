#include "datasets/idx.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <chrono>
#include <filesystem>
#include <numeric>

#include "datasets/image_set.h"
#include "tests/formats/scratch.h"

namespace sramsim {
namespace {

std::string be32(uint32_t v) {
  return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8),
          static_cast<char>(v)};
}

std::string images(uint32_t n, uint32_t h, uint32_t w, const std::string& pixels) {
  return be32(0x803) + be32(n) + be32(h) + be32(w) + pixels;
}
std::string labels(uint32_t n, const std::string& bytes) {
  return be32(0x801) + be32(n) + bytes;
}

std::string gzip(const Scratch& scratch, const std::string& bytes) {
  const auto path = scratch / "packed";
  gzFile out = ::gzopen(path.c_str(), "wb");
  EXPECT_EQ(::gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size())),
            static_cast<int>(bytes.size()));
  EXPECT_EQ(::gzclose(out), Z_OK);
  std::string packed = read_bytes(path);
  std::filesystem::remove(path);
  return packed;
}

const std::string kPixels = "abcdefghijkl";  // two images of 2 x 3

struct Example {
  Scratch scratch;
  Example() {
    scratch.write("t10k-images-idx3-ubyte", images(2, 2, 3, kPixels));
    scratch.write("t10k-labels-idx1-ubyte", labels(2, std::string("\7\3")));
  }
  Dataset load() const { return load_idx(scratch.dir(), Split::kTest); }
  std::unique_ptr<ImageSet> open() const { return open_idx(scratch.dir(), Split::kTest); }
};

void expect_example(const Dataset& d) {
  EXPECT_EQ(d.count, 2);
  EXPECT_EQ(d.h, 2);
  EXPECT_EQ(d.w, 3);
  EXPECT_EQ(d.classes, 8);
  EXPECT_EQ(d.images, std::vector<uint8_t>(kPixels.begin(), kPixels.end()));
  EXPECT_EQ(d.labels, (std::vector<uint8_t>{7, 3}));
}

/// Everything in the set, `step` images at a time.
std::vector<uint8_t> read_all(const ImageSet& set, int step) {
  std::vector<uint8_t> all(static_cast<size_t>(set.count() * set.pixels()));
  const auto reader = set.open();
  for (int first = 0; first < set.count(); first += step)
    reader->read(std::min(step, set.count() - first), all.data() + first * set.pixels());
  return all;
}

void expect_equal(const ImageSet& set, const Dataset& data) {
  EXPECT_EQ(set.count(), data.count);
  EXPECT_EQ(set.h(), data.h);
  EXPECT_EQ(set.w(), data.w);
  EXPECT_EQ(set.classes(), data.classes);
  EXPECT_EQ(set.labels(), data.labels);
  for (const int step : {1, 77, data.count}) EXPECT_TRUE(read_all(set, step) == data.images) << step;
}

TEST(Idx, ReadsPlainFiles) {
  const Example e;
  expect_example(e.load());
  expect_equal(*e.open(), e.load());
  const Dataset data = e.load();
  expect_equal(ImagesInMemory(data), data);
}

TEST(Idx, ReadsGzippedFilesAndTheDottedNames) {
  Scratch s;
  s.write("train-images.idx3-ubyte.gz", gzip(s, images(2, 2, 3, kPixels)));
  s.write("train-labels.idx1-ubyte", labels(2, std::string("\7\3")));
  expect_example(load_idx(s.dir(), Split::kTrain));
  expect_equal(*open_idx(s.dir(), Split::kTrain), load_idx(s.dir(), Split::kTrain));
}

TEST(Idx, ReadsTheBundledMnist) {
  const std::filesystem::path mnist = std::filesystem::path(SRAMSIM_SOURCE_DIR) / "datasets/mnist";
  const Dataset test = load_idx(mnist, Split::kTest);
  EXPECT_EQ(test.count, 10000);
  EXPECT_EQ(test.h, 28);
  EXPECT_EQ(test.w, 28);
  EXPECT_EQ(test.classes, 10);
  EXPECT_EQ(test.images.size(), 10000u * 28 * 28);
  EXPECT_EQ(std::vector<uint8_t>(test.labels.begin(), test.labels.begin() + 5),
            (std::vector<uint8_t>{7, 2, 1, 0, 4}));
  expect_equal(*open_idx(mnist, Split::kTest), test);
  const Dataset train = load_idx(mnist, Split::kTrain);
  EXPECT_EQ(train.count, 60000);
  EXPECT_EQ(std::vector<uint8_t>(train.labels.begin(), train.labels.begin() + 5),
            (std::vector<uint8_t>{5, 0, 4, 1, 9}));
  // The mean pixel of the training images, 0.1307 of full scale, is the well-known normalisation constant.
  const double mean = std::accumulate(train.images.begin(), train.images.end(), 0.0) /
                      static_cast<double>(train.images.size());
  EXPECT_NEAR(mean / 255, 0.1307, 5e-5);
}

TEST(Idx, NamesTheFilesItLookedFor) {
  Example e;
  EXPECT_ERROR_SAYS(load_idx(e.scratch / "nowhere", Split::kTest), "nowhere: no such dataset directory");
  EXPECT_ERROR_SAYS(
      load_idx(e.scratch.dir(), Split::kTrain),
      "looked for train-images-idx3-ubyte, train-images-idx3-ubyte.gz, train-images.idx3-ubyte");
  std::filesystem::remove(e.scratch / "t10k-labels-idx1-ubyte");
  EXPECT_ERROR_SAYS(e.load(), "looked for t10k-labels-idx1-ubyte");
  std::filesystem::create_directory(e.scratch / "t10k-labels-idx1-ubyte");
  EXPECT_ERROR_SAYS(e.load(), "t10k-labels-idx1-ubyte: cannot be read: Is a directory");
}

TEST(Idx, RejectsWithOneLineNamingTheFile) {
  const auto images_say = [](const std::string& bytes, const char* what) {
    Example e;
    const auto path = e.scratch.write("t10k-images-idx3-ubyte", bytes);
    EXPECT_ERROR_SAYS(e.load(), path.string() + ": " + what);
    EXPECT_ERROR_SAYS(e.open(), path.string() + ": " + what);
  };
  images_say("", "is truncated: its header is not complete");
  images_say(be32(0x803) + be32(2), "is truncated: its header is not complete");
  images_say(labels(2, "\7\3"), "is not an IDX file of images (magic 0x00000801, expected 0x00000803)");
  images_say(
      "\x7f"
      "ELF..............",
      "is not an IDX file of images");
  images_say(images(2, 2, 3, "abc"), "is truncated: its header announces 12 bytes of data, 3 are there");
  images_say(images(2, 2, 3, kPixels + "x"), "has data beyond");
  images_say(images(0, 2, 3, ""), "is empty");
  images_say(images(3, 2, 3, kPixels), "is truncated");
  images_say(images(0xffffffff, 2, 3, kPixels), "announces 4294967295 entries");
  images_say(images(2, 0, 3, ""), "announces images of 0x3 pixels");
  images_say(images(2, 4294967295, 3, kPixels), "announces images of 4294967295x3 pixels");
  // Announces 32 PiB; must be refused for what is missing, without first asking for the memory.
  images_say(images(0x7fffffff, 4096, 4096, kPixels),
             "is truncated: its header announces 36028797002186752 bytes");

  const auto labels_say = [](const std::string& bytes, const char* what) {
    Example e;
    const auto path = e.scratch.write("t10k-labels-idx1-ubyte", bytes);
    EXPECT_ERROR_SAYS(e.load(), path.string() + ": " + what);
    EXPECT_ERROR_SAYS(e.open(), path.string() + ": " + what);
  };
  labels_say(images(2, 2, 3, kPixels), "is not an IDX file of labels");
  labels_say(labels(1, "\7"), "holds 1 labels, but t10k-images-idx3-ubyte holds 2 images");
  labels_say(labels(2, "\7"), "is truncated");
}

TEST(Idx, SurvivesDamage) {
  Example e;
  expect_survives_damage(images(2, 2, 3, kPixels), 2000, [&](const std::string& bytes) {
    e.scratch.write("t10k-images-idx3-ubyte", bytes);
    read_all(*e.open(), 1);
    e.load();
  });
}

TEST(Idx, SurvivesDamageInsideGzip) {
  Example e;
  expect_survives_damage(gzip(e.scratch, images(2, 2, 3, kPixels)), 2000, [&](const std::string& bytes) {
    e.scratch.write("t10k-images-idx3-ubyte", bytes);
    read_all(*e.open(), 1);
    e.load();
  });
}

TEST(Idx, SaysThatAGzipStreamEndsEarly) {
  Example e;
  const std::string packed = gzip(e.scratch, images(2, 2, 3, kPixels));
  e.scratch.write("t10k-images-idx3-ubyte", packed.substr(0, packed.size() - 3));
  EXPECT_ERROR_SAYS(e.load(), "the gzip stream ends early");
  EXPECT_ERROR_SAYS(e.open(), "the gzip stream ends early");
}

TEST(Idx, AFileThatChangesWhileItIsReadIsAnError) {
  const Example e;
  const std::string file = "t10k-images-idx3-ubyte", error = file + ": has changed while it was read";
  const auto set = e.open();
  const auto written = std::filesystem::last_write_time(e.scratch / file);
  const auto rewrite = [&](const std::string& bytes, std::filesystem::file_time_type time) {
    e.scratch.write(file, bytes);
    std::filesystem::last_write_time(e.scratch / file, time);
  };
  const auto reader = set->open();
  std::vector<uint8_t> image(6);
  reader->read(1, image.data());
  // Of the same size: the time tells, to a reader that is on its way and to the next one.
  rewrite(images(2, 2, 3, std::string(12, 'x')), written + std::chrono::seconds(1));
  EXPECT_ERROR_SAYS(reader->read(1, image.data()), error);
  EXPECT_THROW(set->open(), ImagesChanged);
  rewrite(images(2, 2, 3, "abc"), written);
  EXPECT_ERROR_SAYS(set->open(), error);
  rewrite(images(2, 2, 3, kPixels), written);
  read_all(*set, 1);
  std::filesystem::remove(e.scratch / file);
  EXPECT_ERROR_SAYS(set->open(), file + ": cannot be found any more");
  EXPECT_THROW(set->open(), ImagesChanged);
}

TEST(Idx, AFileThatShrinksUnderItsReaderIsAnError) {
  const Example e;
  const std::string pixels(2 * 2000 * 2000, 'x');  // more than is read at once
  e.scratch.write("t10k-images-idx3-ubyte", images(2, 2000, 2000, pixels));
  const auto set = e.open();
  const auto reader = set->open();
  std::vector<uint8_t> image(2000 * 2000);
  reader->read(1, image.data());
  std::filesystem::resize_file(e.scratch / "t10k-images-idx3-ubyte", 2000 * 2000);
  EXPECT_ERROR_SAYS(reader->read(1, image.data()), "it could be read before");
}

}  // namespace
}  // namespace sramsim
