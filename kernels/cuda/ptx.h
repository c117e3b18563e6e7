// The only place with inline assembly: every instruction a kernel body needs that C++ has no word for, one
// named one-liner each. Under g++ the same names exist as host twins: the scalar ones stand here, the
// cooperative ones are defined by the block emulator in tests/emulator, so that the real kernel sources run
// without a GPU.
//
// Fragment layouts are those of the PTX ISA, "Matrix Fragments for mma.m16n8k128 / m16n8k256 / m16n8k32".
// With g = lane / 4 and t = lane % 4, and 16-byte *units* along K (128 bits or 16 bytes each), all three read
// alike:
//   a[2*u + h]  word t of unit u of row g + 8*h          b[u]  word t of unit u of column g
//   d[2*h + x]  row g + 8*h, column 2*t + x
// so one loader serves the binary and the 8-bit product, and a row of 16 bytes is what ldmatrix fetches.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#include <cuda_runtime.h>
#define SRAMSIM_DEVICE __device__ __forceinline__
#define SRAMSIM_UNROLL _Pragma("unroll")
#define SRAMSIM_UNROLL_2 _Pragma("unroll 2")
#define SRAMSIM_NO_UNROLL _Pragma("unroll 1")
#else
#define SRAMSIM_DEVICE inline
#define SRAMSIM_UNROLL
#define SRAMSIM_UNROLL_2
#define SRAMSIM_NO_UNROLL
#endif

namespace sramsim {

/// 16 bytes: 128 channels of one bit plane, or 16 channels of 8-bit codes.
struct alignas(16) Unit {
  uint32_t word[4];
};

}  // namespace sramsim

namespace sramsim::ptx {

/// A byte address in the block's shared memory: 32 bits, so that address arithmetic costs one register.
using SharedAddress = uint32_t;

inline constexpr int kWarp = 32;
inline constexpr int kWarpgroup = 4 * kWarp;  ///< threads whose tensor products run as one (sm_90a)

struct WordPair {
  uint32_t low, high;
};

/// Where a warpgroup product finds an operand in shared memory: 8 rows of 16 bytes that follow each other are
/// a core matrix; `next_rows` further lie the next 8 rows, `next_depth` further the next 16 bytes
/// of the same rows; all count in units. Adding n to `low` moves the operand by n units. Bit fields: PTX ISA,
/// "Matrix Descriptor Format" of wgmma, without swizzling.
struct MatrixDescriptor {
  uint32_t low;   ///< matrix_place(start, next_depth)
  uint32_t high;  ///< next_rows
};
constexpr uint32_t matrix_place(uint32_t start, uint32_t next_depth) {
  return start | next_depth << 16;
}

#ifdef __CUDACC__

SRAMSIM_DEVICE int thread_index() {
  return static_cast<int>(threadIdx.x);
}
SRAMSIM_DEVICE int block_size() {
  return static_cast<int>(blockDim.x);
}
SRAMSIM_DEVICE int block_index() {
  return static_cast<int>(blockIdx.x);
}
SRAMSIM_DEVICE int block_index_y() {
  return static_cast<int>(blockIdx.y);
}
SRAMSIM_DEVICE int grid_size() {
  return static_cast<int>(gridDim.x);
}

SRAMSIM_DEVICE void block_sync() {
  __syncthreads();
}
SRAMSIM_DEVICE void warp_sync() {
  __syncwarp();
}
SRAMSIM_DEVICE bool warp_any(bool value) {
  return __any_sync(0xffffffffu, value) != 0;
}
SRAMSIM_DEVICE uint32_t warp_ballot(bool value) {
  return __ballot_sync(0xffffffffu, value);
}
/// The OR of all lanes' values.
SRAMSIM_DEVICE uint32_t warp_or(uint32_t value) {
#if __CUDA_ARCH__ >= 800
  return __reduce_or_sync(0xffffffffu, value);
#else
  for (int distance = 16; distance > 0; distance /= 2) value |= __shfl_xor_sync(0xffffffffu, value, distance);
  return value;
#endif
}
/// v, which is the same in all lanes: the compiler learns so, and keeps it in a uniform register.
SRAMSIM_DEVICE uint32_t uniform(uint32_t v) {
  return warp_or(v);
}
SRAMSIM_DEVICE uint32_t warp_shuffle(uint32_t value, int lane) {
  return __shfl_sync(0xffffffffu, value, lane);
}
SRAMSIM_DEVICE int popc(uint32_t x) {
  return __popc(x);
}
/// Index of the lowest set bit of x, which is not 0.
SRAMSIM_DEVICE int lowest_bit(uint32_t x) {
  return __ffs(static_cast<int>(x)) - 1;
}

/// Start of the block's dynamic shared memory.
SRAMSIM_DEVICE SharedAddress shared_base() {
  extern __shared__ __align__(16) unsigned char sramsim_dynamic_shared[];
  return static_cast<SharedAddress>(__cvta_generic_to_shared(sramsim_dynamic_shared));
}
SRAMSIM_DEVICE uint32_t shared_load(SharedAddress p) {
  uint32_t v;
  asm volatile("ld.shared.u32 %0, [%1];" : "=r"(v) : "r"(p) : "memory");
  return v;
}
SRAMSIM_DEVICE WordPair shared_load_pair(SharedAddress p) {
  WordPair v;
  asm volatile("ld.shared.v2.u32 {%0, %1}, [%2];" : "=r"(v.low), "=r"(v.high) : "r"(p) : "memory");
  return v;
}
SRAMSIM_DEVICE Unit shared_load_unit(SharedAddress p) {
  Unit v;
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.word[0]), "=r"(v.word[1]), "=r"(v.word[2]), "=r"(v.word[3])
               : "r"(p)
               : "memory");
  return v;
}
SRAMSIM_DEVICE void shared_store(SharedAddress p, uint32_t v) {
  asm volatile("st.shared.u32 [%0], %1;" ::"r"(p), "r"(v) : "memory");
}
SRAMSIM_DEVICE void shared_store_pair(SharedAddress p, const WordPair& v) {
  asm volatile("st.shared.v2.u32 [%0], {%1, %2};" ::"r"(p), "r"(v.low), "r"(v.high) : "memory");
}
SRAMSIM_DEVICE void shared_store_unit(SharedAddress p, const Unit& v) {
  asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(p), "r"(v.word[0]), "r"(v.word[1]),
               "r"(v.word[2]), "r"(v.word[3])
               : "memory");
}
/// Starts copying 16 bytes from device to shared memory; zeros are written where `valid` is false.
SRAMSIM_DEVICE void copy_async_unit(SharedAddress to, const Unit* from, bool valid) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(valid ? 16 : 0)
               : "memory");
#else
  const Unit v = valid ? *from : Unit{};
  asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(v.word[0]), "r"(v.word[1]),
               "r"(v.word[2]), "r"(v.word[3])
               : "memory");
#endif
}
/// Waits until every copy this thread has started is in shared memory; other threads see it after
/// block_sync().
SRAMSIM_DEVICE void copy_async_wait() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}
/// Four 8x16-byte matrices: lane l gives the address of row l%8 of matrix l/8; r[m] = word l%4 of row l/4 of
/// matrix m.
SRAMSIM_DEVICE void load_matrix_x4(uint32_t (&r)[4], SharedAddress row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(row)
               : "memory");
}

#define SRAMSIM_BINARY_MMA (__CUDA_ARCH__ >= 800 && __CUDA_ARCH__ < 1000)

/// d = c + popcounts of (row of a) AND (column of b), 128 bits deep: one BMMA on sm_80 .. sm_90. Newer
/// architectures emulate it with a hundred instructions: no kernel asks for it there, and none is compiled
/// in.
SRAMSIM_DEVICE void mma_and_k128(int32_t (&d)[4], uint32_t a0, uint32_t a1, uint32_t b,
                                 const int32_t (&c)[4]) {
#if SRAMSIM_BINARY_MMA
  asm("mma.sync.aligned.m16n8k128.row.col.s32.b1.b1.s32.and.popc {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %8, "
      "%9, %10};"
      : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
      : "r"(a0), "r"(a1), "r"(b), "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]));
#else
  __trap();
#endif
}
/// The same, 256 bits deep.
SRAMSIM_DEVICE void mma_and_k256(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                 const int32_t (&c)[4]) {
#if SRAMSIM_BINARY_MMA
  for (int k = 0; k < 4; ++k) d[k] = c[k];  // d is c in every loop: then nothing moves
  asm("mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, "
      "%9}, "
      "{%0, %1, %2, %3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  __trap();
#endif
}
/// d = c + unsigned 8-bit a times signed 8-bit b, 32 deep.
SRAMSIM_DEVICE void mma_u8s8_k32(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                 const int32_t (&c)[4]) {
#if __CUDA_ARCH__ >= 800
  for (int k = 0; k < 4; ++k) d[k] = c[k];
  asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  __trap();
#endif
}

// Warpgroup products, sm_90a only: four warps at once, asynchronously, operands in shared memory. No kernel
// asks for them elsewhere.

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define SRAMSIM_WARPGROUP_MMA 1
#else
#define SRAMSIM_WARPGROUP_MMA 0
#endif

/// The block's barrier for the threads of one warpgroup.
SRAMSIM_DEVICE void warpgroup_sync() {
  asm volatile("bar.sync %0, %1;" ::"r"(1 + static_cast<int>(threadIdx.x) / kWarpgroup), "n"(kWarpgroup)
               : "memory");
}
/// After this thread's writes to shared memory, before the barrier that comes before a product reads them.
SRAMSIM_DEVICE void fence_for_warpgroup_mma() {
#if SRAMSIM_WARPGROUP_MMA
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}
/// Before the first product that uses registers which other instructions have touched.
SRAMSIM_DEVICE void warpgroup_arrive() {
#if SRAMSIM_WARPGROUP_MMA
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}
/// Starts d = a * b, or d += a * b with kAdd: 8-bit floats (e4m3), 64 rows of a by 64 columns of b, 32 deep;
/// d in halves: d[2*j + h] holds columns 8j + 2t (low half) and 8j + 2t + 1 of row 16*warp + g + 8h. To be
/// read after warpgroup_wait() only. All four warps of a warpgroup take part.
template <bool kAdd>
SRAMSIM_DEVICE void warpgroup_mma_e4m3_n64(uint32_t (&d)[16], MatrixDescriptor a, MatrixDescriptor b) {
#if SRAMSIM_WARPGROUP_MMA
  asm volatile(
      "{.reg .b64 a, b;\nmov.b64 a, {%16, %17};\nmov.b64 b, {%18, %19};\n"
      "wgmma.mma_async.sync.aligned.m64n64k32.f16.e4m3.e4m3 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15}, a, b, %20, 1, 1;}"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3]), "+r"(d[4]), "+r"(d[5]), "+r"(d[6]), "+r"(d[7]),
        "+r"(d[8]), "+r"(d[9]), "+r"(d[10]), "+r"(d[11]), "+r"(d[12]), "+r"(d[13]), "+r"(d[14]), "+r"(d[15])
      : "r"(a.low), "r"(a.high), "r"(b.low), "r"(b.high), "n"(kAdd ? 1 : 0));
#else
  __trap();
#endif
}
/// Starts d = a * b, or d += a * b with kAdd: popcounts of (row of a) AND (column of b), 64 rows by 64
/// columns, 256 bits deep; d[4*j + 2*h + x] is column 8j + 2t + x of row 16*warp + g + 8h. Otherwise the
/// same.
template <bool kAdd>
SRAMSIM_DEVICE void warpgroup_mma_and_n64(uint32_t (&d)[32], MatrixDescriptor a, MatrixDescriptor b) {
#if SRAMSIM_WARPGROUP_MMA
  asm volatile(
      "{.reg .b64 a, b;\nmov.b64 a, {%32, %33};\nmov.b64 b, {%34, %35};\n"
      "wgmma.mma_async.sync.aligned.m64n64k256.s32.b1.b1.and.popc "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, "
      "%20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, a, b, %36;}"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3]), "+r"(d[4]), "+r"(d[5]), "+r"(d[6]), "+r"(d[7]),
        "+r"(d[8]), "+r"(d[9]), "+r"(d[10]), "+r"(d[11]), "+r"(d[12]), "+r"(d[13]), "+r"(d[14]), "+r"(d[15]),
        "+r"(d[16]), "+r"(d[17]), "+r"(d[18]), "+r"(d[19]), "+r"(d[20]), "+r"(d[21]), "+r"(d[22]),
        "+r"(d[23]), "+r"(d[24]), "+r"(d[25]), "+r"(d[26]), "+r"(d[27]), "+r"(d[28]), "+r"(d[29]),
        "+r"(d[30]), "+r"(d[31])
      : "r"(a.low), "r"(a.high), "r"(b.low), "r"(b.high), "n"(kAdd ? 1 : 0));
#else
  __trap();
#endif
}
/// The same with 128 columns.
template <bool kAdd>
SRAMSIM_DEVICE void warpgroup_mma_and_n128(uint32_t (&d)[64], MatrixDescriptor a, MatrixDescriptor b) {
#if SRAMSIM_WARPGROUP_MMA
  asm volatile(
      "{.reg .b64 a, b;\nmov.b64 a, {%64, %65};\nmov.b64 b, {%66, %67};\n"
      "wgmma.mma_async.sync.aligned.m64n128k256.s32.b1.b1.and.popc "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, "
      "%20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, "
      "%40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, "
      "%60, %61, %62, %63}, a, b, %68;}"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3]), "+r"(d[4]), "+r"(d[5]), "+r"(d[6]), "+r"(d[7]),
        "+r"(d[8]), "+r"(d[9]), "+r"(d[10]), "+r"(d[11]), "+r"(d[12]), "+r"(d[13]), "+r"(d[14]), "+r"(d[15]),
        "+r"(d[16]), "+r"(d[17]), "+r"(d[18]), "+r"(d[19]), "+r"(d[20]), "+r"(d[21]), "+r"(d[22]),
        "+r"(d[23]), "+r"(d[24]), "+r"(d[25]), "+r"(d[26]), "+r"(d[27]), "+r"(d[28]), "+r"(d[29]),
        "+r"(d[30]), "+r"(d[31]), "+r"(d[32]), "+r"(d[33]), "+r"(d[34]), "+r"(d[35]), "+r"(d[36]),
        "+r"(d[37]), "+r"(d[38]), "+r"(d[39]), "+r"(d[40]), "+r"(d[41]), "+r"(d[42]), "+r"(d[43]),
        "+r"(d[44]), "+r"(d[45]), "+r"(d[46]), "+r"(d[47]), "+r"(d[48]), "+r"(d[49]), "+r"(d[50]),
        "+r"(d[51]), "+r"(d[52]), "+r"(d[53]), "+r"(d[54]), "+r"(d[55]), "+r"(d[56]), "+r"(d[57]),
        "+r"(d[58]), "+r"(d[59]), "+r"(d[60]), "+r"(d[61]), "+r"(d[62]), "+r"(d[63])
      : "r"(a.low), "r"(a.high), "r"(b.low), "r"(b.high), "n"(kAdd ? 1 : 0));
#else
  __trap();
#endif
}
/// Makes one group of the products started since the last one.
SRAMSIM_DEVICE void warpgroup_commit() {
#if SRAMSIM_WARPGROUP_MMA
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}
/// Waits for all groups of products but the last kPending, among them those of d.
template <int kPending, int kCount, int kWords>
SRAMSIM_DEVICE void warpgroup_wait(uint32_t (&d)[kCount][kWords]) {
#if SRAMSIM_WARPGROUP_MMA
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
  SRAMSIM_UNROLL
  for (int k = 0; k < kCount; ++k) SRAMSIM_UNROLL
  for (int r = 0; r < kWords; ++r) asm volatile("" : "+r"(d[k][r]));  // no read may move in front of the wait
#endif
}

/// The upper 32 bits of the product.
SRAMSIM_DEVICE uint32_t multiply_high(uint32_t a, uint32_t b) {
  return __umulhi(a, b);
}
/// By the low five bits of `by`.
SRAMSIM_DEVICE uint32_t rotate_left(uint32_t v, uint32_t by) {
  return __funnelshift_l(v, v, by);
}
/// low in the low half, high in the high one; both below 65536.
SRAMSIM_DEVICE uint32_t pack_lanes(uint32_t low, uint32_t high) {
  return __byte_perm(low, high, 0x5410);
}

/// v, which the compiler cannot use before it has `earlier`; zero is 0, but the compiler does not know.
SRAMSIM_DEVICE float after(float v, uint32_t earlier, uint32_t zero) {
  return __uint_as_float(__float_as_uint(v) | (earlier & zero));
}

/// Bits of saturate(a * b + c) in float, rounded once, subnormals kept; a is given as its bits.
SRAMSIM_DEVICE uint32_t fma_saturate(uint32_t a, float b, float c) {
  float d;
  asm("fma.rn.sat.f32 %0, %1, %2, %3;" : "=f"(d) : "f"(__uint_as_float(a)), "f"(b), "f"(c));
  return __float_as_uint(d);
}
SRAMSIM_DEVICE uint32_t float_bits(float x) {
  return __float_as_uint(x);
}
/// Bits of a * b + c in float, rounded once, subnormals kept; a and c are given as their bits.
SRAMSIM_DEVICE uint32_t fma_bits(uint32_t a, float b, uint32_t c) {
  float d;
  asm("fma.rn.f32 %0, %1, %2, %3;" : "=f"(d) : "f"(__uint_as_float(a)), "f"(b), "f"(__uint_as_float(c)));
  return __float_as_uint(d);
}
/// fma_saturate() on two packed halves.
SRAMSIM_DEVICE uint32_t fma_saturate_half2(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t d;
  asm("fma.rn.sat.f16x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
}
/// min(a + b, c): one instruction on sm_90.
SRAMSIM_DEVICE int32_t add_min(int32_t a, int32_t b, int32_t c) {
#if __CUDA_ARCH__ >= 900
  return __viaddmin_s32(a, b, c);
#else
  return min(a + b, c);
#endif
}

#else  // ---- host twins
       // ----------------------------------------------------------------------------------------------

// Cooperative: defined in tests/emulator/block_emulator.cpp; the library itself never calls them on the host.
int thread_index();
int block_size();
int block_index();
int block_index_y();
int grid_size();
void block_sync();
void warp_sync();
bool warp_any(bool value);
uint32_t warp_ballot(bool value);
uint32_t warp_or(uint32_t value);
uint32_t warp_shuffle(uint32_t value, int lane);
SharedAddress shared_base();
uint32_t shared_load(SharedAddress p);
WordPair shared_load_pair(SharedAddress p);
Unit shared_load_unit(SharedAddress p);
void shared_store(SharedAddress p, uint32_t v);
void shared_store_pair(SharedAddress p, const WordPair& v);
void shared_store_unit(SharedAddress p, const Unit& v);
void copy_async_unit(SharedAddress to, const Unit* from, bool valid);
void copy_async_wait();
void load_matrix_x4(uint32_t (&r)[4], SharedAddress row);
void mma_and_k128(int32_t (&d)[4], uint32_t a0, uint32_t a1, uint32_t b, const int32_t (&c)[4]);
void mma_and_k256(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const int32_t (&c)[4]);
void mma_u8s8_k32(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const int32_t (&c)[4]);
void warpgroup_sync();
void fence_for_warpgroup_mma();
void warpgroup_arrive();
void start_warpgroup_mma_e4m3_n64(uint32_t (&d)[16], MatrixDescriptor a, MatrixDescriptor b, bool add);
template <bool kAdd>
void warpgroup_mma_e4m3_n64(uint32_t (&d)[16], MatrixDescriptor a, MatrixDescriptor b) {
  start_warpgroup_mma_e4m3_n64(d, a, b, kAdd);
}
void start_warpgroup_mma_and_n64(uint32_t (&d)[32], MatrixDescriptor a, MatrixDescriptor b, bool add);
template <bool kAdd>
void warpgroup_mma_and_n64(uint32_t (&d)[32], MatrixDescriptor a, MatrixDescriptor b) {
  start_warpgroup_mma_and_n64(d, a, b, kAdd);
}
void start_warpgroup_mma_and_n128(uint32_t (&d)[64], MatrixDescriptor a, MatrixDescriptor b, bool add);
template <bool kAdd>
void warpgroup_mma_and_n128(uint32_t (&d)[64], MatrixDescriptor a, MatrixDescriptor b) {
  start_warpgroup_mma_and_n128(d, a, b, kAdd);
}
void warpgroup_commit();
void warpgroup_wait_all_but(int pending);
template <int kPending, int kCount, int kWords>
void warpgroup_wait(uint32_t (&)[kCount][kWords]) {
  warpgroup_wait_all_but(kPending);
}

// Scalar: also what the set-up uses to admit a formula.
inline uint32_t multiply_high(uint32_t a, uint32_t b) {
  return static_cast<uint32_t>(uint64_t{a} * b >> 32);
}
inline uint32_t rotate_left(uint32_t v, uint32_t by) {
  return v << (by & 31) | v >> (-by & 31);
}
inline uint32_t pack_lanes(uint32_t low, uint32_t high) {
  return low | high << 16;
}
inline float after(float v, uint32_t, uint32_t) {
  return v;
}
inline int popc(uint32_t x) {
  return __builtin_popcount(x);
}
inline int lowest_bit(uint32_t x) {
  return __builtin_ctz(x);
}
inline int32_t add_min(int32_t a, int32_t b, int32_t c) {
  return a + b < c ? a + b : c;
}

inline uint32_t uniform(uint32_t v) {
  return v;
}
inline uint32_t float_bits(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
inline uint32_t fma_bits(uint32_t a, float b, uint32_t c) {
  float x, z;
  std::memcpy(&x, &a, sizeof x);
  std::memcpy(&z, &c, sizeof z);
  return float_bits(std::fmaf(x, b, z));
}

inline uint32_t fma_saturate(uint32_t a, float b, float c) {
  float x;
  std::memcpy(&x, &a, sizeof x);
  float d = std::fmaf(x, b, c);
  d = d > 0.0f ? (d < 1.0f ? d : 1.0f) : 0.0f;  // a NaN saturates to +0, as on the device
  return float_bits(d);
}

/// saturate(a * b + c) on one finite half, exactly: all halves are multiples of 2^-24, so a product is one of
/// 2^-48.
inline uint32_t fma_saturate_half(uint32_t a, uint32_t b, uint32_t c) {
  const auto fixed = [](uint32_t h) {  // value * 2^24
    const int exponent = static_cast<int>((h >> 10) & 31);
    const int64_t magnitude =
        exponent == 0 ? (h & 1023) : static_cast<int64_t>((h & 1023) | 1024) << (exponent - 1);
    return (h & 0x8000u) != 0 ? -magnitude : magnitude;
  };
  __extension__ using Wide = __int128;
  const Wide sum = Wide{fixed(a)} * fixed(b) + (Wide{fixed(c)} << 24);  // value * 2^48, below 2^80
  if (sum <= 0) return 0;
  if (sum >= Wide{1} << 48) return 0x3C00u;
  const auto value = static_cast<uint64_t>(sum);
  int top = 63;
  while ((value >> top) == 0) --top;
  const int lowest = top - 10 > 24 ? top - 10 : 24;  // weight of the result's last bit, 2^-24 for subnormals
  const uint64_t kept = value >> lowest, rest = value & ((uint64_t{1} << lowest) - 1);
  const uint64_t half = uint64_t{1} << (lowest - 1);
  const uint64_t rounded = kept + (rest > half || (rest == half && (kept & 1) != 0) ? 1 : 0);
  // Adding the significand to the exponent field lets a carry move into the next binade by itself.
  return static_cast<uint32_t>(rounded + (static_cast<uint64_t>(lowest - 24) << 10));
}
inline uint32_t fma_saturate_half2(uint32_t a, uint32_t b, uint32_t c) {
  return fma_saturate_half(a & 0xffffu, b & 0xffffu, c & 0xffffu) |
         (fma_saturate_half(a >> 16, b >> 16, c >> 16) << 16);
}

#endif

/// This thread's place in its warp, and its warp's in the block.
SRAMSIM_DEVICE int lane_index() {
  return thread_index() % kWarp;
}
SRAMSIM_DEVICE int warp_index() {
  return thread_index() / kWarp;
}

}  // namespace sramsim::ptx
