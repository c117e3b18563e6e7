// One exact integer convolution in oneDNN for a fixed batch size: u8 x s8 -> s32, or float where the 8-bit
// kernels of this machine could saturate but every sum is exact in float.
#pragma once

#include <cstdint>
#include <tuple>

#include "kernels/core/conv_shape.h"
#include "kernels/onednn/onednn.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim {

/// How an integer convolution is computed exactly on this machine.
enum class IntConvMethod {
  kDirect,  ///< own loops: few rows, or sums that leave float's 24 bits
  kInt8,    ///< oneDNN u8 x s8
  kFloat,   ///< oneDNN float: |sum| < 2^24
};

/// max_code bounds |c|. Without VNNI oneDNN's u8 x s8 kernels add two products in 16 bits with saturation.
IntConvMethod choose_int_conv(const ConvShape& shape, int max_q, int max_code);

/// What leaves the primitive: the sums, or layer_output() of them, formed while they are in registers.
struct IntConvOutput {
  bool scaled = false, bias = false, relu = false;
  bool operator<(const IntConvOutput& other) const {
    return std::tie(scaled, bias, relu) < std::tie(other.scaled, other.bias, other.relu);
  }
};

class OneDnnIntConv {
 public:
  /// For n images at a time; call run_scaled() if output.scaled, else run_sums(). `method` is not kDirect.
  /// dnnl::error if oneDNN has no such primitive.
  OneDnnIntConv(const ConvShape& shape, int n, IntConvMethod method, IntConvOutput output = {});

  /// Packs weight codes [O,KH,KW,C] into the primitive's layout.
  void pack(const int8_t* codes);
  size_t scratch_bytes() const;
  /// acc [N,OH,OW,O]: int32_t or float by method. `scratch`: scratch_bytes(), 64-byte aligned.
  void run_sums(const uint8_t* q, void* acc, void* scratch) const { run(q, acc, scratch, nullptr); }
  /// output.y [N,OH,OW,O]; output.bias and output.relu must be as the constructor was told.
  void run_scaled(const uint8_t* q, const SramOutput& output, void* scratch) const {
    run(q, output.y, scratch, &output);
  }

  IntConvMethod method() const { return method_; }

 private:
  void run(const uint8_t* q, void* to, void* scratch, const SramOutput* scaling) const;

  ConvShape shape_;
  int n_;
  IntConvMethod method_;
  IntConvOutput output_;
  dnnl::convolution_forward::primitive_desc desc_;
  dnnl::convolution_forward conv_;
  dnnl::memory weights_;
};

}  // namespace sramsim
