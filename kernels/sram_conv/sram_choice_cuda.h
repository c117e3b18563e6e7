// Which CUDA kernel computes one layer with one converter, and in what tiles. *What* is computed stands in
// SramConvSpec, *how* in SramChoice; choose_sram_kernel() is the only place that goes from one to the other.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "kernels/sram_conv/sram_adc_cuda.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim::cuda {

/// What the choice needs to know of a device.
struct GpuLimits {
  int major = 9, minor = 0;         ///< compute capability
  size_t shared_bytes = 227 << 10;  ///< shared memory a block may ask for
  bool warpgroups = true;           ///< this program has code for sm_90a
};

enum class SramKernel { kInteger, kIntegerGather, kFloat8, kBinary, kDirect, kChained, kGather, kPortable };
inline constexpr size_t kSramKernels = 8;

constexpr bool uses_warpgroups(SramKernel kernel) {
  return kernel == SramKernel::kFloat8 || kernel == SramKernel::kBinary;
}

/// *How*: one kernel, one converter form, one tiling. Printable with to_string().
struct SramChoice {
  SramKernel kernel = SramKernel::kPortable;
  AdcKind adc = AdcKind::kTable;
  int groups_per_step = 0;  ///< direct: row groups converted per step, 1 or 2; else 0
  int group_products = 0;   ///< warpgroups: products of a row group; else 0
  bool collects = false;    ///< binary: the bits of a row group are moved together first
  int pairs = 0;            ///< warpgroups: column pairs of an output channel's planes, 2 or 4
  int slices = 0;           ///< warpgroups: those of a block
  int warps_m = 0, warps_n = 0, warps_k = 1;
  int tile_o = 0;  ///< output channels of a block; warpgroups: of one of its o tiles
  int threads = 0;
  size_t shared_bytes = 0;

  int warp_channels() const { return tile_o / warps_n; }  ///< kernels with warp tiles
  int block_channels() const { return slices > 0 ? slices * slice_channels() : tile_o; }
  int slice_channels() const { return columns_of_slice(products()) / 2 / pairs; }  ///< warpgroups
  ProductKind products() const {                                                   ///< warpgroups
    if (kernel == SramKernel::kFloat8) return ProductKind::kFloat8;
    return adc == AdcKind::kFused ? ProductKind::kWide : ProductKind::kBinary;
  }
};

/// One kernel, for lists, --help and errors.
struct SramKernelInfo {
  SramKernel kernel;
  const char* name;  ///< what `force` takes
  const char* idea;
};
/// All kernels, best first.
std::span<const SramKernelInfo> sram_cuda_kernels();

/// The first kernel of the list that accepts the layer with converter `adc` (an index into spec.adcs), or the
/// one called `force`: "direct", or "direct/fma" to force the converter form too. Throws InputError with the
/// reason if that one refuses or is unknown; the portable kernel refuses nothing.
SramChoice choose_sram_kernel(const SramConvSpec& spec, size_t adc, const GpuLimits& gpu,
                              const std::string& force = "");

/// Why `kernel` cannot compute this layer, empty if it can (then *choice is filled). `form` restricts the
/// converter form.
std::string refuses(SramKernel kernel, const SramConvSpec& spec, size_t adc, const GpuLimits& gpu,
                    const std::string& form, SramChoice* choice);

/// "direct/half2, 2 row groups a step, tile 128 pixels x 128 channels, 8 warps, 103 KiB shared".
std::string to_string(const SramChoice& choice);

}  // namespace sramsim::cuda
