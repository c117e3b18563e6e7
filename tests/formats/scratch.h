// Helpers of the tests that read and write files.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>

#include "kernels/core/error.h"

namespace sramsim {

/// Memory rather than disk where there is such a folder: the damage tests write thousands of files.
inline std::filesystem::path scratch_root() {
  const char* memory = "/dev/shm";
  return ::access(memory, R_OK | W_OK | X_OK) == 0 ? memory : std::filesystem::temp_directory_path();
}

/// A folder of its own, removed with everything in it at the end of the test.
class Scratch {
 public:
  Scratch() {
    std::string name = (scratch_root() / "sramsim-test-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw RunError("no scratch folder: " + name);
    dir_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::filesystem::path& dir() const { return dir_; }
  std::filesystem::path operator/(const std::string& name) const { return dir_ / name; }
  /// Entries in the folder: shows that nothing half-written was left.
  size_t entries() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(dir_), {}));
  }
  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream out(dir_ / name, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return dir_ / name;
  }

 private:
  std::filesystem::path dir_;
};

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The message of the Error that `action` throws; empty if it throws nothing. A message is one printable
/// line.
template <typename Error = InputError>
std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    std::string message = e.what();
    EXPECT_FALSE(message.empty());
    for (char c : message) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << message;
    return message;
  }
  return {};
}

#define EXPECT_ERROR_SAYS(action, text)                                          \
  do {                                                                           \
    const std::string said_ = ::sramsim::error_of([&] { (void)(action); });      \
    EXPECT_NE(said_.find(text), std::string::npos)                               \
        << #action " was expected to say: " << (text) << "\nit said: " << said_; \
  } while (false)

/// Feeds `read` every proper prefix of a good file, which must be an InputError, and `rounds` copies with a
/// few bytes changed at random, which must be read or be an InputError. Anything else fails the test.
inline void expect_survives_damage(const std::string& good, int rounds,
                                   const std::function<void(const std::string&)>& read) {
  EXPECT_NO_THROW(read(good));
  for (size_t length = 0; length < good.size(); ++length)
    ASSERT_NE(error_of([&] { read(good.substr(0, length)); }), "") << "cut after " << length << " bytes";
  std::mt19937 random(1);
  for (int round = 0; round < rounds; ++round) {
    std::string bad = good;
    for (unsigned changes = 1 + random() % 4; changes > 0; --changes)
      bad[random() % bad.size()] = static_cast<char>(random());
    ASSERT_NO_THROW(error_of([&] { read(bad); })) << "round " << round;
  }
}

}  // namespace sramsim
