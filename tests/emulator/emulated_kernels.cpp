#include "tests/emulator/emulated_kernels.h"

#include "kernels/sram_conv/sram_conv_portable.cuh"
#include "kernels/sram_conv/sram_gather_mma.cuh"
#include "kernels/sram_conv/sram_halo_mma.cuh"
#include "kernels/sram_conv/sram_prepare.cuh"
#include "kernels/sram_conv/sram_warpgroup_mma.cuh"

namespace sramsim::emulator {
namespace {

using namespace cuda;
using Body = void (*)(const SramConvArgs&);

template <class Form>
Body direct_body(int groups_per_step) {
  return groups_per_step == 1 ? sram_halo_body<Form, kDirectTileN / 8, 1>
                              : sram_halo_body<Form, kDirectTileN / 8, 2>;
}

template <class Form, int kTileN = kChainedTileN>
Body chained_body() {
  return sram_halo_body<Form, kTileN / 8, 0>;
}

template <class Form>
Body gather_body() {
  return sram_gather_body<Form, kChainedTileN / 8>;
}

template <class Product, int kProducts>
Body warpgroup_body(int pairs) {
  return pairs == 2 ? sram_warpgroup_body<Product, kProducts, 2> : sram_warpgroup_body<Product, kProducts, 4>;
}

template <class Product>
Body bits_body(const SramChoice& c) {
  if (c.group_products == 1) return warpgroup_body<Product, 1>(c.pairs);
  return c.group_products == 2 && c.pairs == 2 && kUnrollsTwoProducts<Product>
             ? sram_warpgroup_body<Product, 2, 2>
             : warpgroup_body<Product, 0>(c.pairs);
}

/// The instantiation that the .cu files would launch.
Body body_of(const SramChoice& c) {
  switch (c.kernel) {
    case SramKernel::kInteger:
      return c.warp_channels() == kDirectTileN ? chained_body<NoForm, kDirectTileN>()
                                               : chained_body<NoForm>();
    case SramKernel::kIntegerGather:
      return gather_body<NoForm>();
    case SramKernel::kDirect:
      if (c.adc == AdcKind::kClamp) return direct_body<ClampForm>(c.groups_per_step);
      if (c.adc == AdcKind::kFused) return direct_body<FusedForm>(c.groups_per_step);
      return c.adc == AdcKind::kHalf2 ? direct_body<Half2Form>(c.groups_per_step)
                                      : direct_body<FmaForm>(c.groups_per_step);
    case SramKernel::kFloat8:
      return warpgroup_body<Float8Product, 1>(c.pairs);
    case SramKernel::kBinary:
      if (c.adc == AdcKind::kFused) return bits_body<WideProduct>(c);
      return c.adc == AdcKind::kHalf2 ? bits_body<BinaryProduct<Half2Form>>(c)
                                      : bits_body<BinaryProduct<FmaForm>>(c);
    case SramKernel::kChained:
      if (c.adc == AdcKind::kHalf2) return chained_body<Half2Form>();
      return c.adc == AdcKind::kFma ? chained_body<FmaForm>() : chained_body<TableForm>();
    case SramKernel::kGather:
      return c.adc == AdcKind::kFma ? gather_body<FmaForm>() : gather_body<TableForm>();
    case SramKernel::kPortable:
      return sram_portable_body;
  }
  return nullptr;
}

}  // namespace

Counts run_prepare(const PrepareArgs& args, bool integer, uint64_t seed) {
  const Launch launch{.grid_x = 3, .block = 64, .seed = seed};
  return run(launch, [&] { integer ? sram_prepare_codes_body(args) : sram_prepare_planes_body(args); });
}

Counts run_sram_conv(const SramConvSpec& spec, size_t adc, const SramChoice& choice, const int8_t* codes,
                     const uint8_t* q, int n, const SramOutput& output, uint64_t seed, const Faults& faults) {
  const SramProgram program = make_sram_program(spec, adc, codes, choice);
  const bool integer = program.integer();
  std::vector<Unit> planes(n * packed_units(spec, integer));
  std::vector<int32_t> sums(n * padded_pixels(spec.shape));
  PrepareArgs prepare = make_prepare_args(spec, integer);
  prepare.q = q;
  prepare.n = n;
  prepare.planes = planes.data();
  prepare.channel_sums = sums.data();
  run_prepare(prepare, integer, seed);

  SramConvArgs args = program.args;
  set_output(args, output);
  args.geometry.n = n;
  args.planes = planes.data();
  args.weights = program.weights.data();
  args.steps = program.steps.data();
  args.passes = program.passes.data();
  args.products = program.products.data();
  args.pieces = program.pieces.data();
  args.adc.table = program.table.data();
  args.epilogue.channel_sums = sums.data();
  const Body body = body_of(choice);
  const Launch launch{
      .grid_x = grid_blocks(program, n, 2 * grid_tiles_o(program)),  // two resident blocks: they walk on
      .grid_y = grid_tiles_o(program),
      .block = choice.threads,
      .shared_bytes = choice.shared_bytes,
      .seed = seed,
      .faults = faults};
  return run(launch, [&] { body(args); });
}

}  // namespace sramsim::emulator
