// NumPy .npy files (format 1.0 to 3.0), C order, little endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace sramsim {

enum class DType { kU8, kI8, kI32, kI64, kF32, kF64 };

size_t dtype_size(DType t);
const char* dtype_name(DType t);  ///< "uint8", "int8", ...

/// A dense array in host memory, C order.
struct HostTensor {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;

  int64_t count() const {
    int64_t n = 1;
    for (int64_t d : shape) n *= d;
    return n;
  }
  template <typename T>
  const T* as() const {
    return reinterpret_cast<const T*>(bytes.data());
  }
  template <typename T>
  T* as() {
    return reinterpret_cast<T*>(bytes.data());
  }
};

/// Allocates zeros. InputError if a dimension is negative or their product leaves 63 bits.
HostTensor make_tensor(DType dtype, std::vector<int64_t> shape);

/// InputError (naming the file) if it is missing, not .npy, truncated, oversized, Fortran-ordered or of
/// another dtype kind.
HostTensor read_npy(const std::filesystem::path& path);
/// Written beside the target and renamed: a failure (RunError) leaves no half file.
void write_npy(const std::filesystem::path& path, const HostTensor& tensor);

}  // namespace sramsim
