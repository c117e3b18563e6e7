// Which of the compiled instruction sets this machine runs (the sets of cmake/Flags.cmake).
#pragma once

namespace sramsim {

#if defined(__x86_64__)
inline bool cpu_has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}
/// Ice Lake, Zen 4 and later.
inline bool cpu_has_avx512() {
  return cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
         __builtin_cpu_supports("avx512bitalg") && __builtin_cpu_supports("avx512vpopcntdq") &&
         __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("gfni");
}
/// The matrix unit of Sapphire Rapids and later, beside AVX-512; asks the operating system for its registers.
bool cpu_has_amx();
#else
inline bool cpu_has_avx2() {
  return false;
}
inline bool cpu_has_avx512() {
  return false;
}
inline bool cpu_has_amx() {
  return false;
}
#endif

}  // namespace sramsim
