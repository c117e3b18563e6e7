// A layer made ready for the device, still on the host: the choice of kernel and the arrays it reads. The
// CUDA plan uploads it; the block emulator of the tests runs it where it stands.
#pragma once

#include <vector>

#include "kernels/sram_conv/sram_choice_cuda.h"
#include "kernels/sram_conv/sram_pack_cuda.h"

namespace sramsim::cuda {

/// One layer with one converter. Pointers within `args` are null until the arrays have found their place.
struct SramProgram {
  SramChoice choice;
  SramConvArgs args;
  std::vector<Unit> weights;
  std::vector<Step> steps;
  std::vector<Pass> passes;
  std::vector<Product> products;  ///< float8, binary
  std::vector<Piece> pieces;      ///< binary, where rows are collected
  std::vector<uint32_t> table;    ///< padded to whole units; empty where the form needs none

  bool integer() const {
    return choice.kernel == SramKernel::kInteger || choice.kernel == SramKernel::kIntegerGather;
  }
};

SramProgram make_sram_program(const SramConvSpec& spec, size_t adc, const int8_t* codes,
                              const SramChoice& choice);

/// What the packing kernel must know of the layer; `integer` selects codes instead of bit planes.
PrepareArgs make_prepare_args(const SramConvSpec& spec, bool integer);
/// Units of packed activations, and padded pixels, of one image.
size_t packed_units(const SramConvSpec& spec, bool integer);
size_t padded_pixels(const ConvShape& shape);

/// Fills in where the results of one converter go.
void set_output(SramConvArgs& args, const SramOutput& output);

/// Blocks along x of one launch for n images: one per tile, or at most `resident` where the kernel is
/// persistent.
int grid_blocks(const SramProgram& program, int n, int resident);
/// Blocks along y: o tiles.
int grid_tiles_o(const SramProgram& program);

}  // namespace sramsim::cuda
