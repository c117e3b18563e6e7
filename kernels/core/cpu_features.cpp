#include "kernels/core/cpu_features.h"

#if defined(__x86_64__)

#include <cpuid.h>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace sramsim {
namespace {

/// Linux hands the tiles (8 KiB of state) only to processes that ask for them.
bool tiles_permitted() {
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM of <asm/prctl.h>
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

bool find_amx() {
  constexpr unsigned kTile = 1u << 24, kInt8 = 1u << 25;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!cpu_has_avx512() || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  return (d & kTile) != 0 && (d & kInt8) != 0 && tiles_permitted();
}

}  // namespace

bool cpu_has_amx() {
  static const bool has = find_amx();
  return has;
}

}  // namespace sramsim

#endif
