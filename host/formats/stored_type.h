// Element types that tensor files use, and the lossless step from each to the types this program works in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "host/formats/npy.h"

namespace sramsim {

/// As stored (little endian). Narrow kinds are widened on reading: bool to uint8, 16-bit integers to int32,
/// uint32 to int64, the two half floats to float32. All exact.
enum class StoredType { kBool, kU8, kI8, kI16, kU16, kI32, kU32, kI64, kF16, kBF16, kF32, kF64 };

size_t stored_size(StoredType t);
DType widened_type(StoredType t);
/// `count` elements; `to` holds count * dtype_size(widened_type(t)) bytes. Neither needs to be aligned.
void widen(StoredType t, const std::byte* from, size_t count, std::byte* to);

/// Bytes of a dense tensor, or nothing if a dimension is negative or the product leaves 63 bits. Zero
/// dimensions do not hide an overflow of the others.
std::optional<uint64_t> byte_count(std::span<const int64_t> shape, size_t element_size);

}  // namespace sramsim
