// What every use of oneDNN shares: the engine, a stream per thread, and memory views in our layouts.
#pragma once

#include <cstddef>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "kernels/core/conv_shape.h"

namespace sramsim::onednn {

const dnnl::engine& engine();
dnnl::stream& stream();  ///< one per thread: a stream must not be shared

/// What this machine (and ONEDNN_MAX_CPU_ISA) lets oneDNN's kernels use.
bool has_vnni();
bool has_matrix_unit();  ///< products of bytes
bool has_bf16();         ///< native bfloat16 dot products

/// oneDNN names dimensions N,C,H,W and O,C,KH,KW; the tags put channels last.
dnnl::memory::dims input_dims(const ConvShape& shape, int n);
dnnl::memory::dims weight_dims(const ConvShape& shape);
dnnl::memory::dims output_dims(const ConvShape& shape, int n);

/// The primitives run on the caller's scratchpad, so that plans can run on several threads at once.
dnnl::primitive_attr user_scratchpad();

/// A view of memory that somebody else owns; oneDNN takes sources as non-const pointers and does not write.
dnnl::memory view(const dnnl::memory::desc& desc, const void* data);

void execute(const dnnl::primitive& primitive, const std::unordered_map<int, dnnl::memory>& arguments);

}  // namespace sramsim::onednn
