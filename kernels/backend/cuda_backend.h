// The GPU behind the seam, for make_backend(). Knows no CUDA type, so that every build includes it.
#pragma once

#include <memory>

#include "kernels/backend/backend.h"
#include "kernels/cuda/device_probe.h"

namespace sramsim {

/// Makes `device` the current one of this thread, which must make all calls. RunError if the device or a
/// library fails, or in a build without CUDA.
std::unique_ptr<Backend> make_cuda_backend(const CudaDevice& device);

}  // namespace sramsim
