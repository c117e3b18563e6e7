// Named ranges for Nsight Systems, usable from any source: knows no CUDA type. profile_range.cu opens NVTX
// ranges; a build without CUDA has empty ones (profile_range_without_cuda.cpp). Without a tool attached a
// range costs a few nanoseconds.
#pragma once

#include <string>

namespace sramsim {

/// Open from construction to destruction, on this thread; ranges nest. Names: "epoch", "step", a layer's
/// name or else its type, a kernel family, "sweep pass".
class ProfileRange {
 public:
  explicit ProfileRange(const char* name);
  explicit ProfileRange(const std::string& name) : ProfileRange(name.c_str()) {}
  ~ProfileRange();  // NOLINT(performance-trivially-destructible): with CUDA it closes the range
  ProfileRange(const ProfileRange&) = delete;
  ProfileRange& operator=(const ProfileRange&) = delete;
};

}  // namespace sramsim
