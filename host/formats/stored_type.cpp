#include "host/formats/stored_type.h"

#include <bit>
#include <cstring>
#include <limits>

namespace sramsim {
namespace {

static_assert(std::endian::native == std::endian::little,
              "file readers copy little-endian elements as they are");

/// IEEE 754 binary16, subnormals and NaN payloads included.
float half_to_float(uint16_t h) {
  const uint32_t sign = uint32_t{h & 0x8000u} << 16;
  const uint32_t exponent = (h >> 10) & 0x1f;
  const uint32_t mantissa = h & 0x3ff;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  const uint32_t wide_exponent = exponent == 0x1f ? 0xff : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide_exponent << 23) | (mantissa << 13));
}

float bfloat_to_float(uint16_t b) {
  return std::bit_cast<float>(uint32_t{b} << 16);
}

template <typename From, typename To, typename Convert>
void convert_each(const std::byte* from, size_t count, std::byte* to, Convert convert) {
  for (size_t i = 0; i < count; ++i) {
    From narrow;
    std::memcpy(&narrow, from + i * sizeof(From), sizeof(From));
    const To wide = convert(narrow);
    std::memcpy(to + i * sizeof(To), &wide, sizeof(To));
  }
}

}  // namespace

size_t stored_size(StoredType t) {
  switch (t) {
    case StoredType::kBool:
    case StoredType::kU8:
    case StoredType::kI8:
      return 1;
    case StoredType::kI16:
    case StoredType::kU16:
    case StoredType::kF16:
    case StoredType::kBF16:
      return 2;
    case StoredType::kI32:
    case StoredType::kU32:
    case StoredType::kF32:
      return 4;
    case StoredType::kI64:
    case StoredType::kF64:
      return 8;
  }
  return 0;
}

DType widened_type(StoredType t) {
  switch (t) {
    case StoredType::kBool:
    case StoredType::kU8:
      return DType::kU8;
    case StoredType::kI8:
      return DType::kI8;
    case StoredType::kI16:
    case StoredType::kU16:
    case StoredType::kI32:
      return DType::kI32;
    case StoredType::kU32:
    case StoredType::kI64:
      return DType::kI64;
    case StoredType::kF16:
    case StoredType::kBF16:
    case StoredType::kF32:
      return DType::kF32;
    case StoredType::kF64:
      return DType::kF64;
  }
  return DType::kU8;
}

void widen(StoredType t, const std::byte* from, size_t count, std::byte* to) {
  switch (t) {
    case StoredType::kI16:
      return convert_each<int16_t, int32_t>(from, count, to, [](int16_t v) { return int32_t{v}; });
    case StoredType::kU16:
      return convert_each<uint16_t, int32_t>(from, count, to, [](uint16_t v) { return int32_t{v}; });
    case StoredType::kU32:
      return convert_each<uint32_t, int64_t>(from, count, to, [](uint32_t v) { return int64_t{v}; });
    case StoredType::kF16:
      return convert_each<uint16_t, float>(from, count, to, half_to_float);
    case StoredType::kBF16:
      return convert_each<uint16_t, float>(from, count, to, bfloat_to_float);
    default:
      if (count > 0) std::memcpy(to, from, count * stored_size(t));
  }
}

std::optional<uint64_t> byte_count(std::span<const int64_t> shape, size_t element_size) {
  int64_t bytes = static_cast<int64_t>(element_size);
  bool empty = false;
  for (int64_t d : shape) {
    if (d < 0) return std::nullopt;
    if (d == 0)
      empty = true;
    else if (__builtin_mul_overflow(bytes, d, &bytes))
      return std::nullopt;
  }
  return empty ? 0 : static_cast<uint64_t>(bytes);
}

}  // namespace sramsim
