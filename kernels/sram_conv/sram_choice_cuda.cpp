// The choice of kernel, converter form and tiling: see the header.
#include "kernels/sram_conv/sram_choice_cuda.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <limits>

#include "kernels/core/error.h"
#include "kernels/sram_conv/sram_pack_cuda.h"

namespace sramsim::cuda {
namespace {

constexpr uint32_t kMostTableEntries = 12 << 10;  // 48 KiB of shared memory

const SramKernelInfo kKernels[] = {
    {SramKernel::kInteger, "integer", "lossless: u8 x s8 tensor cores on halo tiles in shared memory"},
    {SramKernel::kIntegerGather, "integer-gather",
     "lossless: u8 x s8 tensor cores, operands through the cache"},
    {SramKernel::kFloat8, "float8",
     "8-bit float products of warpgroups (sm_90a), partial sums as halves, converted in pairs"},
    {SramKernel::kBinary, "binary", "binary products of warpgroups (sm_90a), partial sums as integers"},
    {SramKernel::kDirect, "direct", "binary tensor cores on halo tiles, every mma converted at once"},
    {SramKernel::kChained, "chained",
     "binary tensor cores on halo tiles, partial sums chained through several mma"},
    {SramKernel::kGather, "gather", "binary tensor cores, operands through the cache: any shape"},
    {SramKernel::kPortable, "portable",
     "popcounts and the converter table on ordinary lanes: any architecture"},
};

static_assert(std::size(kKernels) == kSramKernels);

struct Warps {
  int m, n;
};

/// Warp grids to try for warp tiles of `tile_n` output channels: as many channels as there are, so that
/// activations are read once, then ever smaller ones that need less shared memory.
std::span<const Warps> warp_grids(int tile_n, int o) {
  static constexpr Warps kGrids[] = {{2, 4}, {4, 2}, {2, 2}, {8, 1}, {4, 1}, {2, 1}};
  const std::span<const Warps> all = kGrids;
  if (o <= tile_n) return all.subspan(3);
  return o <= 2 * tile_n || tile_n == kDirectTileN ? all.subspan(1) : all;
}

/// Units of shared memory of a halo block.
size_t halo_units(const SramConvSpec& spec, const SramChoice& c, bool integer, size_t steps, size_t passes,
                  size_t table_entries) {
  const ConvShape& s = spec.shape;
  const size_t halo = size_t{1} * halo_side(s.kh, s.stride) * halo_side(s.kw, s.stride);
  const size_t units = integer ? code_units(s.c) : plane_units(s.c);
  const size_t weights = (integer ? 1 : spec.planes()) * units * s.positions() * c.tile_o;
  const size_t tile = halo * units * (integer ? 1 : stored_bits(spec));
  const size_t lit =
      size_t{1} * c.threads / ptx::kWarp * lit_words(static_cast<int>(steps), integer ? 1 : spec.digits());
  return weights + 2 * (c.warps_m / 2) * tile + steps * (sizeof(Step) / sizeof(Unit)) + passes +
         (table_entries + 3) / 4 + (lit + 3) / 4;
}

std::string image_refusal(const SramConvSpec& spec) {
  const ConvShape& s = spec.shape;
  const int64_t across = (s.out_w() + kTileSide - 1) / kTileSide,
                down = (s.out_h() + kTileSide - 1) / kTileSide;
  if (int64_t{2} * s.out_w() * s.out_h() < across * down * kTileSide * kTileSide)
    return "less than half of its 8x8 tiles would be outputs";
  return "";
}

std::string fill_halo(const SramConvSpec& spec, const GpuLimits& gpu, int tile_n, bool integer, size_t steps,
                      size_t passes, SramChoice* choice) {
  if (std::string reason = image_refusal(spec); !reason.empty()) return reason;
  const size_t table = choice->adc == AdcKind::kTable ? spec.p_max() + 1 : 0;
  size_t needed = 0;
  for (const Warps& warps : warp_grids(tile_n, spec.shape.o)) {
    choice->warps_m = warps.m;
    choice->warps_n = warps.n;
    choice->tile_o = warps.n * tile_n;
    choice->threads = warps.m * warps.n * ptx::kWarp;
    needed = choice->shared_bytes = halo_units(spec, *choice, integer, steps, passes, table) * sizeof(Unit);
    if (needed <= gpu.shared_bytes) return "";
  }
  return "it needs " + std::to_string(needed >> 10) + " KiB of shared memory, a block has " +
         std::to_string(gpu.shared_bytes >> 10);
}

/// Linear layers have few pixels and many rows: all warps of a block share the rows of one small tile.
void fill_gather(const SramConvSpec& spec, SramChoice* choice) {
  const bool linear = spec.shape.out_h() * spec.shape.out_w() == 1;
  const Warps warps = linear ? Warps{1, 1} : warp_grids(kChainedTileN, spec.shape.o).front();
  choice->warps_m = warps.m;
  choice->warps_n = warps.n;
  choice->warps_k = linear ? kMmaThreads / ptx::kWarp : 1;
  choice->tile_o = warps.n * kChainedTileN;
  choice->threads = warps.m * warps.n * choice->warps_k * ptx::kWarp;
  choice->shared_bytes = (choice->adc == AdcKind::kTable ? (size_t{spec.p_max()} + 1) * 4 : 0) +
                         size_t{1} * (choice->warps_k - 1) * kWarpPixels * kChainedTileN * 4;
}

void fill_portable(const SramConvSpec& spec, SramChoice* choice) {
  choice->adc = AdcKind::kTable;
  choice->tile_o = spec.shape.o > 64 ? 128 : spec.shape.o > 32 ? 64 : 32;
  choice->threads = kPortableThreads;
}

/// The first admitted form of `order`, or of those the one called `wanted`. `largest`: what a fused sum can
/// come to.
std::string fill_form(const SramConvSpec& spec, size_t adc, std::initializer_list<AdcKind> order,
                      const std::string& wanted, SramChoice* choice, int64_t largest = 0) {
  const AdcTable& table = spec.adcs[adc];
  std::string reason = "it has no converter form '" + wanted + "'";
  for (AdcKind kind : order) {
    if (!wanted.empty() && wanted != to_string(kind)) continue;
    AdcForm form;
    reason = kind == AdcKind::kTable && spec.p_max() >= kMostTableEntries
                 ? "the converter table is too long for shared memory"
                 : admit_adc_form(table, spec.p_max(), kind, &form);
    if (reason.empty() && kind == AdcKind::kHalf2 && make_passes(spec, table, {}, 0, 32767).empty())
      reason = "sums of one pass exceed 16 bits";
    if (reason.empty() && kind == AdcKind::kFused && largest > kMostFusedSum) reason = "sums exceed 22 bits";
    if (reason.empty()) {
      choice->adc = kind;
      return "";
    }
    reason = std::string(to_string(kind)) + ": " + reason;
  }
  return reason;
}

std::string binary_refusal(const GpuLimits& gpu) {
  const int arch = 10 * gpu.major + gpu.minor;
  return arch >= 80 && arch <= 90 ? "" : "this architecture has no binary tensor cores";
}

std::string size_refusal(const SramConvSpec& spec) {
  const ConvShape& s = spec.shape;
  const int64_t pixels = int64_t{s.h + 2 * s.padding} * (s.w + 2 * s.padding);
  const int64_t units = std::max<int64_t>(int64_t{plane_units(s.c)} * stored_bits(spec), code_units(s.c));
  const int64_t weights = int64_t{spec.planes()} * s.positions() * code_units(s.c) * 128;
  return pixels * units > std::numeric_limits<int32_t>::max() || weights > std::numeric_limits<int32_t>::max()
             ? "the layer is too large for 32-bit offsets"
             : "";
}

std::string refuses_direct(const SramConvSpec& spec, size_t adc, const GpuLimits& gpu,
                           const std::string& form, SramChoice* choice) {
  choice->groups_per_step = direct_groups_per_step(spec);
  if (choice->groups_per_step == 0) return "row groups span several mma";
  std::string reason =
      fill_form(spec, adc, {AdcKind::kClamp, AdcKind::kFused, AdcKind::kHalf2, AdcKind::kFma}, form, choice,
                largest_sum(spec, adc));
  if (!reason.empty()) return reason;
  const size_t steps = direct_steps(spec, choice->groups_per_step, {}, 0).size();
  return fill_halo(spec, gpu, kDirectTileN, false, steps, size_t{1} * spec.digits() * spec.planes(), choice);
}

/// As many warpgroups as shared memory has room for, since latencies hide behind other warpgroups; then as
/// many slices, which share what is found out about a tile, the same number in every block.
std::string fill_warpgroups(const SramConvSpec& spec, const GpuLimits& gpu, const WarpgroupProducts& made,
                            ProductKind kind, SramChoice* choice) {
  const int tile_slices = slices_of_tile(kind);
  choice->group_products = made.group_products;
  choice->collects = made.collect.units > 0;
  choice->pairs = warpgroup_pairs(spec);
  choice->tile_o = tile_slices * columns_of_slice(kind) / 2 / choice->pairs;
  choice->warps_n = 1;
  // compute-sanitizer takes the rows of operand A for as many bytes in a row from any of them on.
  constexpr size_t kOperandBytes = 64 * 2 * sizeof(Unit);
  const auto needed = [&](int groups, int tiles) {
    const WarpgroupOffsets offsets = warpgroup_offsets(spec, kind, made, tiles * tile_slices);
    return offsets.first + size_t{1} * groups * offsets.size + kOperandBytes;
  };
  const auto in_parts = [](int all, int part) { return (all + part - 1) / part; };
  int groups = most_warpgroups(kind), tiles = 1;
  while (groups > 1 && needed(groups, 1) > gpu.shared_bytes) --groups;
  const int all_tiles = in_parts(spec.shape.o, choice->tile_o);
  while (tiles < all_tiles && needed(groups, tiles + 1) <= gpu.shared_bytes) ++tiles;
  tiles = in_parts(all_tiles, in_parts(all_tiles, tiles));
  choice->warps_m = 2 * groups;
  choice->threads = groups * ptx::kWarpgroup;
  choice->slices = tiles * tile_slices;
  choice->shared_bytes = needed(groups, tiles);
  if (choice->shared_bytes > gpu.shared_bytes)
    return "it needs " + std::to_string(choice->shared_bytes >> 10) + " KiB of shared memory, a block has " +
           std::to_string(gpu.shared_bytes >> 10);
  constexpr int kMostBlocks = 65535;  // of a grid, along y
  if (in_parts(all_tiles, tiles) > kMostBlocks) return "the layer has too many output channels for one grid";
  return "";
}

std::string refuses_warpgroups(const SramConvSpec& spec, const GpuLimits& gpu) {
  if (10 * gpu.major + gpu.minor != 90 || !gpu.warpgroups)
    return "it needs compute capability 9.0 and a program built for sm_90a";
  return image_refusal(spec);
}

/// Packed lanes hold a column's sum over all digits, unsigned.
bool fits_lanes(const SramConvSpec& spec, size_t adc) {
  return largest_column_sum(spec, adc) <= 0xffff;
}

std::string refuses_float8(const SramConvSpec& spec, size_t adc, const GpuLimits& gpu,
                           const std::string& form, SramChoice* choice) {
  if (std::string reason = refuses_warpgroups(spec, gpu); !reason.empty()) return reason;
  const WarpgroupProducts made = warpgroup_products(spec, ProductKind::kFloat8, false);
  if (!made.refusal.empty()) return made.refusal;
  if (std::string reason = fill_form(spec, adc, {AdcKind::kHalf2}, form, choice); !reason.empty())
    return reason;
  AdcForm scaled;
  admit_adc_form(spec.adcs[adc], spec.p_max(), AdcKind::kHalf2, &scaled);
  if (!scale_for_float8(&scaled)) return "the step is out of a half's range";
  if (!fits_lanes(spec, adc)) return "sums of a column exceed 16 bits";
  return fill_warpgroups(spec, gpu, made, ProductKind::kFloat8, choice);
}

/// Bits in place, or collected where they must be or where that is worth its room: a third of the products,
/// or no warpgroup less.
std::string fill_bits(const SramConvSpec& spec, const GpuLimits& gpu, SramChoice* choice) {
  const ProductKind kind = choice->products();
  const WarpgroupProducts in_place = warpgroup_products(spec, kind, false);
  SramChoice collected = *choice;
  std::string reason = in_place.refusal;
  if (reason.empty()) reason = fill_warpgroups(spec, gpu, in_place, kind, choice);
  if (reason.empty() && choice->group_products == 1) return "";
  const WarpgroupProducts together = warpgroup_products(spec, kind, true);
  if (!together.refusal.empty()) return together.refusal;
  if (std::string refusal = fill_warpgroups(spec, gpu, together, kind, &collected); !refusal.empty())
    return reason.empty() ? "" : refusal;
  const bool pays =
      3 * collected.group_products <= 2 * choice->group_products ||
      (collected.group_products < choice->group_products && collected.threads >= choice->threads);
  if (!reason.empty() || pays) *choice = collected;
  return "";
}

std::string refuses_binary(const SramConvSpec& spec, size_t adc, const GpuLimits& gpu,
                           const std::string& form, SramChoice* choice) {
  if (std::string reason = refuses_warpgroups(spec, gpu); !reason.empty()) return reason;
  const int64_t largest = largest_column_sum(spec, adc);
  const bool half_empty =
      2 * spec.shape.o * 2 * warpgroup_pairs(spec) <= columns_of_slice(ProductKind::kWide);
  std::string reason;
  for (AdcKind kind : {AdcKind::kFused, AdcKind::kHalf2, AdcKind::kFma}) {
    if (kind == AdcKind::kFused && half_empty) continue;  // of an o tile
    if (kind == AdcKind::kHalf2 && !fits_lanes(spec, adc)) continue;
    reason = fill_form(spec, adc, {kind}, form, choice, largest);
    if (reason.empty()) reason = fill_bits(spec, gpu, choice);
    if (reason.empty()) break;
  }
  return reason;
}

std::string refuses_chained(const SramConvSpec& spec, size_t adc, const GpuLimits& gpu,
                            const std::string& form, SramChoice* choice) {
  std::string reason = fill_form(spec, adc, {AdcKind::kHalf2, AdcKind::kFma, AdcKind::kTable}, form, choice);
  if (!reason.empty()) return reason;
  return fill_halo(spec, gpu, kChainedTileN, false, chained_steps(spec, {}, 0).size(),
                   size_t{1} * spec.digits() * spec.planes(), choice);
}

std::string refuses_integer(const SramConvSpec& spec, size_t adc, const GpuLimits& gpu, bool halo,
                            SramChoice* choice) {
  if (gpu.major < 8) return "this architecture has no m16n8k32 integer tensor cores";
  if (!spec.adcs[adc].lossless()) return "the converter is not lossless";
  choice->adc = AdcKind::kNone;
  if (halo) {
    const size_t steps = integer_steps(spec.shape, {}, 0).size();
    if (fill_halo(spec, gpu, kDirectTileN, true, steps, 1, choice).empty()) return "";
    return fill_halo(spec, gpu, kChainedTileN, true, steps, 1, choice);
  }
  fill_gather(spec, choice);
  return "";
}

}  // namespace

std::span<const SramKernelInfo> sram_cuda_kernels() {
  return kKernels;
}

std::string refuses(SramKernel kernel, const SramConvSpec& spec, size_t adc, const GpuLimits& gpu,
                    const std::string& form, SramChoice* choice) {
  *choice = {};
  choice->kernel = kernel;
  if (std::string reason = size_refusal(spec); !reason.empty()) return reason;
  if (kernel != SramKernel::kInteger && kernel != SramKernel::kIntegerGather &&
      kernel != SramKernel::kPortable)
    if (std::string reason = binary_refusal(gpu); !reason.empty()) return reason;
  switch (kernel) {
    case SramKernel::kInteger:
      return refuses_integer(spec, adc, gpu, true, choice);
    case SramKernel::kIntegerGather:
      return refuses_integer(spec, adc, gpu, false, choice);
    case SramKernel::kDirect:
      return refuses_direct(spec, adc, gpu, form, choice);
    case SramKernel::kFloat8:
      return refuses_float8(spec, adc, gpu, form, choice);
    case SramKernel::kBinary:
      return refuses_binary(spec, adc, gpu, form, choice);
    case SramKernel::kChained:
      return refuses_chained(spec, adc, gpu, form, choice);
    case SramKernel::kGather: {
      std::string reason = fill_form(spec, adc, {AdcKind::kFma, AdcKind::kTable}, form, choice);
      if (reason.empty()) fill_gather(spec, choice);
      return reason;
    }
    case SramKernel::kPortable:
      fill_portable(spec, choice);
      return "";
  }
  return "";
}

namespace {

/// Whether the direct kernel is quicker than `choice`: collecting paid less than two row groups a step there,
/// as windows two pixels apart showed before the fused kernel was one product ahead (docs/performance_gpu.md,
/// "Not measured").
bool pays_less(const SramChoice& choice, const SramConvSpec& spec, size_t adc, const GpuLimits& gpu) {
  SramChoice direct;
  return choice.collects && refuses(SramKernel::kDirect, spec, adc, gpu, "", &direct).empty() &&
         direct.groups_per_step == 2 && (direct.adc == AdcKind::kFused || direct.adc == AdcKind::kClamp);
}

}  // namespace

SramChoice choose_sram_kernel(const SramConvSpec& spec, size_t adc, const GpuLimits& gpu,
                              const std::string& force) {
  const std::string name = force.substr(0, force.find('/'));
  const std::string form = name.size() < force.size() ? force.substr(name.size() + 1) : "";
  std::string known, reason;
  SramChoice choice;
  for (const SramKernelInfo& info : kKernels) {
    known += (known.empty() ? "" : ", ") + std::string(info.name);
    if (!name.empty() && name != info.name) continue;
    reason = refuses(info.kernel, spec, adc, gpu, form, &choice);
    if (reason.empty() && name.empty() && pays_less(choice, spec, adc, gpu)) continue;
    if (reason.empty()) return choice;
    if (!name.empty()) throw InputError("CUDA kernel '" + force + "' cannot be used: " + reason);
  }
  if (!name.empty()) throw InputError("CUDA kernel '" + name + "' is unknown, choose one of: " + known);
  throw InputError("no CUDA kernel accepts this layer: " + reason);
}

std::string to_string(const SramChoice& c) {
  std::string text;
  for (const SramKernelInfo& info : kKernels)
    if (info.kernel == c.kernel) text = info.name;
  text += std::string("/") + to_string(c.adc);
  if (c.groups_per_step > 0) text += ", " + std::to_string(c.groups_per_step) + " row groups a step";
  if (c.group_products > 0)
    text += ", " + std::to_string(c.group_products) + " products a row group, " +
            (c.collects ? "collected, " : "") + std::to_string(2 * c.pairs) + " columns a channel";
  if (c.warps_k > 1) text += ", rows shared by " + std::to_string(c.warps_k) + " warps";
  if (c.warps_m > 0)
    text += ", tile " + std::to_string(32 * c.warps_m) + " pixels x " + std::to_string(c.block_channels()) +
            " channels";
  return text + ", " + std::to_string(c.threads / ptx::kWarp) + " warps, " +
         std::to_string(c.shared_bytes >> 10) + " KiB shared";
}

}  // namespace sramsim::cuda
