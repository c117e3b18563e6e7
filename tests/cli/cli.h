// Runs the real program in a folder of its own and says what it printed, what it left behind and how it
// ended.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "host/formats/npy.h"

namespace sramsim::test {

namespace fs = std::filesystem;

struct CliResult {
  int exit_code = -1;  ///< 128 + signal if one ended it
  std::string out, err;
};

/// A fresh folder, removed at the end.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  fs::path operator/(const std::string& name) const { return path_ / name; }
  const fs::path& path() const { return path_; }
  std::vector<std::string> files() const;  ///< sorted names of what lies in it, hidden files included

 private:
  fs::path path_;
};

/// Runs `sramsim arguments...` with `folder` as the current one.
CliResult sramsim(const std::vector<std::string>& arguments, const fs::path& folder);
/// The same, sending `signal` once it has run for `after_ms` milliseconds.
CliResult sramsim_interrupted(const std::vector<std::string>& arguments, const fs::path& folder, int signal,
                              int after_ms);

/// The same, killed (SIGKILL) as soon as `file` is there and holds a header and `lines` lines more;
/// `meanwhile` runs before the kill. A run that ends by itself is not killed.
CliResult sramsim_killed(const std::vector<std::string>& arguments, const fs::path& folder,
                         const fs::path& file, size_t lines, const std::function<void()>& meanwhile = {});

/// The same as `ranks` processes under mpirun, where the build has MPI; `meanwhile` runs beside them.
CliResult sramsim_ranks(int ranks, const std::vector<std::string>& arguments, const fs::path& folder,
                        const std::function<void()>& meanwhile = {});

/// The same with stdout going to `out`; only stderr is returned.
CliResult sramsim_into(const fs::path& out, const std::vector<std::string>& arguments,
                       const fs::path& folder);

std::string read_text(const fs::path& path);
void write_text(const fs::path& path, const std::string& text);

/// Codes counting up modulo `most` + 1 from `low`.
HostTensor counting_codes(DType dtype, std::vector<int64_t> shape, int low, int most);

inline const fs::path kSource = SRAMSIM_SOURCE_DIR;
inline const fs::path kMnist = kSource / "datasets/mnist";
inline const fs::path kTorchCheckpoint = kSource / "tests/golden/original/random_w4a4.pth.tar";

}  // namespace sramsim::test
