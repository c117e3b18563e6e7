#include "kernels/sram_conv/sram_program_cuda.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

namespace sramsim::cuda {
namespace {

bool is_halo(SramKernel kernel) {
  return kernel == SramKernel::kInteger || kernel == SramKernel::kChained || kernel == SramKernel::kDirect ||
         uses_warpgroups(kernel);
}

Geometry make_geometry(const SramConvSpec& spec, bool integer) {
  const ConvShape& s = spec.shape;
  Geometry g;
  g.o = s.o;
  g.oh = s.out_h();
  g.ow = s.out_w();
  g.height = s.h + 2 * s.padding;
  g.width = s.w + 2 * s.padding;
  g.kh = s.kh;
  g.kw = s.kw;
  g.stride = s.stride;
  g.pixel_units = integer ? code_units(s.c) : plane_units(s.c) * stored_bits(spec);
  return g;
}

/// Distances in device memory, [y][x][bit][unit], or in a halo tile, [bit][unit][y][x].
OperandStrides make_strides(const SramConvSpec& spec, const SramConvArgs& args, bool integer, bool halo) {
  const int units = integer ? code_units(spec.shape.c) : plane_units(spec.shape.c);
  if (!halo) return {args.geometry.width * args.geometry.pixel_units, args.geometry.pixel_units, units, 1};
  const int pixels = args.halo_height * args.halo_width;
  return {args.halo_width, 1, units * pixels, pixels};
}

void fill_adc(const SramConvSpec& spec, size_t adc, SramProgram& program) {
  const AdcTable& table = spec.adcs[adc];
  const uint32_t p_max = spec.p_max();
  admit_adc_form(table, p_max, program.choice.adc, &program.args.adc);
  if (program.choice.adc == AdcKind::kTable) {
    program.table.assign(table.code.begin(), table.code.begin() + p_max + 1);
    program.args.adc.table_size = static_cast<int32_t>(program.table.size());
    program.table.resize((program.table.size() + 3) / 4 * 4);
  }
  program.args.skip_zeros = table.code[0] == 0;
  Epilogue& epilogue = program.args.epilogue;
  epilogue.offset_weight = program.integer() ? 0 : offset_weight(spec.encoding, spec.weight_bits);
  epilogue.sum = sum_step(spec, adc);
  epilogue.sum.exact = epilogue.sum.exact && epilogue.offset_weight == 0;
}

void fill_warpgroups(const SramConvSpec& spec, const int8_t* codes, SramProgram& program) {
  SramConvArgs& args = program.args;
  const ProductKind kind = program.choice.products();
  if (kind == ProductKind::kFloat8) scale_for_float8(&args.adc);
  args.digit_units = plane_units(spec.shape.c);
  args.digits = spec.digits();
  WarpgroupProducts made = warpgroup_products(spec, kind, program.choice.collects);
  args.row_groups = spec.rows.groups();
  args.group_products = made.group_products;
  args.slice_units = made.slice_units;
  args.slices = program.choice.slices;
  args.lit_blocks = (spec.shape.c + 31) / 32;
  args.offsets = warpgroup_offsets(spec, kind, made, args.slices);
  args.piece_count = static_cast<int32_t>(made.collect.pieces.size());
  args.collected_units = made.collect.units;
  args.halo_reciprocal = ~0u / static_cast<uint32_t>(args.halo_width) + 1;
  args.a_rows = made.collect.units > 0 ? kTileSide : args.halo_width;
  program.weights = pack_warpgroup_weights(spec, codes, kind, made, grid_tiles_o(program) * args.slices);
  program.products = std::move(made.products);
  program.pieces = std::move(made.collect.pieces);
  for (int j = 0; j < spec.planes(); ++j)
    args.plane_weight[j] = plane_weight(spec.encoding, spec.weight_bits, j);
  args.weights_sum = std::accumulate(std::begin(args.plane_weight), std::end(args.plane_weight), 0);
}

}  // namespace

SramProgram make_sram_program(const SramConvSpec& spec, size_t adc, const int8_t* codes,
                              const SramChoice& choice) {
  SramProgram program;
  program.choice = choice;
  SramConvArgs& args = program.args;
  const bool integer = program.integer(), halo = is_halo(choice.kernel);
  args.geometry = make_geometry(spec, integer);
  args.tile_o = choice.tile_o;
  args.warps_m = choice.warps_m;
  args.warps_n = choice.warps_n;
  args.warps_k = choice.warps_k;
  args.halo_height = halo_side(spec.shape.kh, spec.shape.stride);
  args.halo_width = halo_side(spec.shape.kw, spec.shape.stride);
  const OperandStrides strides = make_strides(spec, args, integer, halo);
  fill_adc(spec, adc, program);
  if (uses_warpgroups(choice.kernel)) {
    fill_warpgroups(spec, codes, program);
    return program;
  }
  if (integer) {
    args.digit_units = strides.bit;
    args.digits = 1;
    program.steps = integer_steps(spec.shape, strides, choice.tile_o);
    program.passes = {{0, 0, 1, 1}};
    program.weights = pack_weight_codes(spec.shape, codes, choice.tile_o);
  } else {
    args.digit_units = strides.bit * spec.dac_bits;
    args.digits = spec.digits();
    program.steps = choice.kernel == SramKernel::kDirect
                        ? direct_steps(spec, choice.groups_per_step, strides, choice.tile_o)
                        : chained_steps(spec, strides, choice.tile_o);
    program.passes =
        make_passes(spec, spec.adcs[adc], strides, choice.tile_o, choice.adc == AdcKind::kHalf2 ? 32767 : 0);
    program.weights = pack_weight_planes(spec, codes, choice.tile_o);
  }
  args.step_count = static_cast<int32_t>(program.steps.size());
  args.pass_count = static_cast<int32_t>(program.passes.size());
  args.slice_units = static_cast<int32_t>(program.weights.size() / grid_tiles_o(program));
  return program;
}

PrepareArgs make_prepare_args(const SramConvSpec& spec, bool integer) {
  const ConvShape& s = spec.shape;
  PrepareArgs args;
  args.act_bits = spec.act_bits;
  args.c = s.c;
  args.h = s.h;
  args.w = s.w;
  args.padding = s.padding;
  args.bits = integer ? 1 : stored_bits(spec);
  args.units = integer ? code_units(s.c) : plane_units(s.c);
  return args;
}

size_t padded_pixels(const ConvShape& s) {
  return (size_t{1} * s.h + 2 * s.padding) * (size_t{1} * s.w + 2 * s.padding);
}

size_t packed_units(const SramConvSpec& spec, bool integer) {
  const PrepareArgs args = make_prepare_args(spec, integer);
  return padded_pixels(spec.shape) * args.bits * args.units;
}

void set_output(SramConvArgs& args, const SramOutput& output) {
  Epilogue& e = args.epilogue;
  e.s = output.s;
  e.y = output.y;
  e.scale = output_scale(output.act_scale, output.weight_scale);
  e.bias = output.bias;
  e.relu = output.relu;
  const auto in_runs = [&](unsigned channels) {
    const auto aligned = [&](const float* p) {
      return reinterpret_cast<uintptr_t>(p) % (channels * sizeof(float)) == 0;
    };
    return args.geometry.o % static_cast<int>(channels) == 0 && aligned(e.y) && aligned(e.bias);
  };
  e.fast = e.y != nullptr && in_runs(2) && e.scale.normal;
  e.fours = e.fast && in_runs(4);
  e.plain = e.fours && e.sum.exact && e.scale.exact;
}

int grid_tiles_o(const SramProgram& program) {
  const int channels = program.choice.block_channels();
  return (program.args.geometry.o + channels - 1) / channels;
}

int grid_blocks(const SramProgram& program, int n, int resident) {
  const Geometry& g = program.args.geometry;
  const SramChoice& c = program.choice;
  const int64_t pixels = int64_t{n} * g.oh * g.ow;
  const auto blocks = [](int64_t work, int64_t each) { return static_cast<int>((work + each - 1) / each); };
  if (c.kernel == SramKernel::kPortable) return blocks(pixels, c.threads / c.tile_o * kPortablePixels);
  if (!is_halo(c.kernel)) return blocks(pixels, kWarpPixels * c.warps_m);
  int64_t tiles = int64_t{n} * ((g.ow + kTileSide - 1) / kTileSide) * ((g.oh + kTileSide - 1) / kTileSide);
  if (uses_warpgroups(c.kernel)) tiles *= c.slices / slices_of_tile(c.products());  // o tiles are shared out
  return std::max(1, std::min(blocks(tiles, c.warps_m / 2), resident / grid_tiles_o(program)));
}

}  // namespace sramsim::cuda
