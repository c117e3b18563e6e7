// What a layer asks of the hardware, counted exactly from its mapping: no cost table enters here.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/sram_conv/sram_conv.h"

namespace sramsim {

/// A subarray as built: R rows (of the design point) times these columns, `columns_per_adc` of which share
/// one converter through a multiplexer.
struct ArrayGeometry {
  int columns = 128;
  int columns_per_adc = 8;
};

/// Events are per image. No weight is stored twice; the O * planes columns of a layer stand side by side.
struct LayerCounts {
  std::string layer;
  bool on_arrays = false;  ///< false: digital; then only macs and the bits of the buffers count

  // The mapping
  int subarray_rows = 0;     ///< R
  int64_t row_groups = 0;    ///< subarrays below each other
  int64_t column_tiles = 0;  ///< subarrays beside each other: ceil(columns_used / columns)
  int64_t subarrays = 0;     ///< row_groups * column_tiles
  int64_t rows_used = 0;     ///< C*KH*KW, over all row groups
  int64_t columns_used = 0;  ///< O * planes, over all column tiles
  double row_use = 0.0;      ///< share of the rows of the row groups that hold weights
  double column_use = 0.0;   ///< share of the columns of the column tiles that hold weights
  double utilisation = 0.0;  ///< share of all cells that hold a weight bit: row_use * column_use
  int64_t adcs = 0;          ///< converters built
  int adc_bits = 0;          ///< resolution that is paid for
  bool adc_ideal = false;  ///< the model's converter is an ideal one: adc_bits is the smallest lossless width

  // Events of one image
  int64_t output_pixels = 0;  ///< OH * OW
  int digits = 0;             ///< input steps of one pixel
  int64_t bit_cycles = 0;  ///< output_pixels * digits: steps one after the other; subarrays work in parallel
  int64_t array_activations = 0;    ///< bit_cycles * subarrays
  int64_t adc_conversions = 0;      ///< bit_cycles * row_groups * columns_used
  int64_t conversions_in_turn = 0;  ///< of one converter, in one bit cycle
  int64_t shift_adds = 0;           ///< one per conversion
  int64_t offset_adds = 0;  ///< offset encoding: sum of the window once per pixel, subtracted once per output
  int accumulator_bits = 0;
  int64_t input_bits = 0;   ///< bits driven onto wordlines: output_pixels * C*KH*KW * A, padding included
  int64_t stored_bits = 0;  ///< of the input image in its buffer: C*H*W*A
  int64_t output_bits = 0;  ///< written back, A bits per output
  int64_t macs = 0;         ///< multiply-accumulates of the layer
  int64_t weight_bits = 0;  ///< O*C*KH*KW * B
};

/// Fewest bits of a converter that tells all partial sums of a layer apart: what an ideal one is paid as.
int lossless_bits(const SramConvSpec& spec);

/// Of a layer on subarrays whose converters are paid with `adc_bits` >= 1 bits. `spec` as made by
/// make_sram_spec().
LayerCounts count_layer(const std::string& name, const SramConvSpec& spec, int adc_bits,
                        const ArrayGeometry& geometry);
/// Of a layer in exact digital arithmetic.
LayerCounts count_digital_layer(const std::string& name, const ConvShape& shape, int act_bits,
                                int weight_bits);

}  // namespace sramsim
