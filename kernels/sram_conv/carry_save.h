// Carry-save kernels: the SRAM convolution on vectors of bits, shared by the AVX-512 and the AVX2 variant.
//
// One bit of a vector is one column (output channel, weight plane). A *row vector* holds the stored bits of
// one row (kernel position, channel) in all columns. For one window, row group and input digit, the row
// vectors of the *set* activation bits are added up by full adders into counter planes: bit k of the partial
// sums of all columns is counter vector k. The counters are transposed to one index byte per column, which a
// byte permute looks up in the ADC table; four neighbouring code bytes, the planes of one channel, are
// reduced with their weights by a dot product into int32. Zero activation bits cost nothing; a conversion
// whose partial sum is too small to leave code 0 is not made. Every mapping is a list of row runs, every
// converter a table: one kernel for all.
//
// Columns: a *cell* is `lanes` output channels x one *quad* of (up to) four weight planes: 4*lanes columns. A
// vector holds kCells cells; cell number k serves channels (k / quads) * lanes + lane and quad k % quads.
// Where in the vector the bit of (cell, lane, plane) lies is the engine's choice (column_bit).
//
// This header has plain data only: it is included by sources compiled for different instruction sets, so it
// must not define functions that the linker could share between them.
#pragma once

#include <cstdint>

#include "kernels/sram_conv/scaled_output.h"
#include "kernels/sram_conv/sum_step.h"

namespace sramsim::carry_save {

inline constexpr int kCells = 8;         ///< cells of a row vector = accumulators it feeds
inline constexpr int kMaxBits = 8;       ///< of an activation code
inline constexpr int kMaxHalves = 2;     ///< of an activation code, four bits each
inline constexpr int kRunRows = 32;      ///< rows of a run
inline constexpr int kPieceRows = 4096;  ///< rows whose list entries fit 16 bits
inline constexpr int kConstantRows = 2;  ///< row vectors of a piece that are no weights
inline constexpr int kListPadding = 32;  ///< entries past the last row that collecting may write
inline constexpr int kListEnd =
    8;  ///< zero rows at the end of a list of a common group: it is read in eights
inline constexpr int kListAlign = 32;    ///< entries: a cache line
inline constexpr int kMaxStrip = 24;     ///< output pixels worked on together
inline constexpr int kFamilyWidth = 8;   ///< windows that the groups of a family span at most ...
inline constexpr int kFamilyHeight = 4;  ///< ... and rows of windows
inline constexpr uint32_t kMaxPartialSum = (1u << 24) - 1;

/// Up to 32 consecutive channels of one kernel position: bits of one activation plane.
struct Run {
  int32_t offset;  ///< bytes from the window's first pixel record to the run's first byte in bit plane 0
  uint32_t mask;   ///< one bit per row
  uint16_t entry;  ///< list entry of the run's first row
  uint8_t shift;   ///< of the first row in its byte
};

/// At most kPieceRows rows of a group. Its row vectors: [vector][kConstantRows + rows], the first two all
/// zero (padding of lists) and all one (ShiftForm). A list entry e is the row vector e*8 bytes behind the
/// zero row.
struct Piece {
  int32_t run_begin, run_end;
  int32_t rows;
  int64_t weights;  ///< bytes into Layer::weights
};

struct Group {
  int32_t piece_begin, piece_end;
  int32_t rows;
  int32_t position;     ///< kernel position if all rows lie in one, else -1
  int32_t any_offset;   ///< of that position's pixel record, else -1
  int32_t down, right;  ///< windows from the first group of its family
};

/// Groups with the same channels of several kernel positions: what a group has set in one window, the first
/// group has set in the window that lies `down` and `right` of it. One list serves all of them.
struct Family {
  int32_t group_begin, group_end;
  int32_t height, width;  ///< windows they span
};

/// What precedes the bit planes of a pixel, A planes of ceil(C/8) bytes.
struct PixelHeader {
  int32_t sum;   ///< of the activation codes over the channels; 0 where the encoding has no offset
  uint32_t any;  ///< bit b: some channel has activation bit b set
};

/// One byte of the codes of one ADC table. Codes above 255 have several: code = sum of byte * 2^shift.
struct ByteTable {
  /// Ways to compute the codes of P <= 255, each admitted only after it equals the table there.
  enum class Form : uint8_t { kTable, kClamp, kScale };
  int32_t output;                  ///< index of the ADC table
  int32_t shift;                   ///< 0, 8, 16 or 24
  uint32_t first;                  ///< smallest P whose byte is not 0; UINT32_MAX if there is none
  const uint8_t* bytes;            ///< [P], padded with the last entry to a multiple of 128, at least 256
  alignas(64) uint8_t nibble[64];  ///< bytes[0..15], four times
  Form form;
  uint8_t top;  ///< kClamp: min(P, top); kScale: min(round(P * scale / 2^15), top)
  int16_t scale;
};

/// A converter that, over the partial sums of few rows, is a shift: code(P) = (P + ones) >> shift for P <=
/// most. A uniform one of b bits over F = 2^m, for instance: shift = m - b, ones = 2^(shift-1) - 1 (0 for
/// shift 0), up to about F/2. Codes of such sums are counter planes themselves, so that codes are added up as
/// planes, and transposed once for all kernel positions.
struct ShiftForm {
  int shift = -1;  ///< 0..kMostShift; -1: none
  int ones = 0;    ///< rows that are always set, before the others in every list
  int most = 0;    ///< with the ones, below 2^kShiftPlanes
  int planes = 0;  ///< where no sum, with the ones, reaches 2^planes, none is larger than `most`
  int tried = 0;   ///< rows up to which that is likely
};
inline constexpr int kMostShift = 3;
inline constexpr int kMostOnes = (1 << kMostShift) - 1;
inline constexpr int kShiftPlanes = 6;

/// A layer packed for one engine.
struct Layer {
  int act_bits, dac_bits, digits;
  int plane_bytes;         ///< of one activation bit plane of a pixel: ceil(C/8)
  int64_t pixel_bytes;     ///< of a pixel record
  int64_t step, row_step;  ///< bytes from one window to the next in a row and in a column
  int channels;            ///< input channels

  const Run* runs;
  const Piece* pieces;
  const Group* groups;
  const Family* families;
  int family_count;
  int family_height, family_width;  ///< of the largest family
  int members_together;             ///< of a family: those whose row vectors stay in a small cache
  int list_stride;                  ///< entries of the row list of one activation bit
  int tile_lists;                   ///< entries of the lists of one window and row group

  int vectors;  ///< row vectors per row
  int quads;
  const uint8_t* weights;
  /// dots[vector][s][cell]: the four plane weights of the cell's quad * 2^s as signed bytes, s = 0..3.
  const uint32_t (*dots)[4][kCells];
  const int32_t* quad_shift;  ///< of the plane weights in dots

  const ByteTable* tables;
  int table_count;
  uint32_t first;                ///< smallest P that gives a nonzero byte in any table
  ShiftForm form;                ///< of the only table
  uint16_t ones[kMostOnes + 1];  ///< list entries of form.ones rows that are always set, and others
  /// Accumulators are kept apart for digit weights 2^(4*half + s): s is part of dots.
  int halves;
  /// The accumulators of table t are the sums of ADC table t in the order of the channels: one half, one
  /// quad, no shift.
  bool accumulators_are_sums;

  int outputs;           ///< output channels O
  int output_count;      ///< ADC tables
  const SumStep* steps;  ///< per ADC table
  int32_t offset;        ///< offset_weight() of the encoding
  int positions;
  const int32_t* position_offset;  ///< bytes from the window's first pixel record

  int64_t strip_acc;  ///< int32 values of one output pixel's accumulators
};

/// A rectangle of output pixels, whose rows may belong to several images.
struct Extent {
  int rows, columns;
};

/// A few output pixels and the thread's buffers.
struct Strip {
  Extent extent;
  const uint8_t* window[kMaxStrip];  ///< per row: record of the first pixel of its first window
  int64_t first_pixel;               ///< flat index of the first output pixel
  int64_t row_pixels;                ///< output pixels from one row to the next
  const ScaledOutput* outputs;       ///< [output_count]
  int32_t* acc;                      ///< [pixel][table][half][vector][cell][lane]
  int32_t* sums;                     ///< [vectors * kCells * lanes]
  Extent block;                      ///< whose lists fit the buffer
  /// Room for [tiles of a block and the largest family][act_bits][list_stride], which is also how those of
  /// wide groups lie; lists of common groups follow each other without gaps.
  uint16_t* lists;
  int32_t* piece_rows;  ///< [pixels of a block][pieces of a group][kMaxBits]
};

/// The functions compiled for one instruction set.
struct Engine {
  int lanes;       ///< int32 lanes of a vector; a vector has 32*lanes columns
  bool any_table;  ///< byte permutes are as fast for any table: no Form but kTable is of use
  bool shifts;     ///< a ShiftForm is of use
  int (*column_bit)(int cell, int lane, int plane);
  /// Activation codes of one pixel -> its record, plane_bytes after it may be overwritten.
  void (*pack_pixel)(const Layer& layer, const uint8_t* q, uint8_t* record);
  void (*convolve_strip)(const Layer& layer, const Strip& strip);
};

/// Null where the compiler cannot build it.
extern const Engine* const kAvx512Engine;
extern const Engine* const kAvx2Engine;

}  // namespace sramsim::carry_save
