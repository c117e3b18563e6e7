// The answer of a build without CUDA; probe_devices() finds no device there, so nobody should ask.
#include "kernels/backend/cuda_backend.h"
#include "kernels/core/error.h"

namespace sramsim {

std::unique_ptr<Backend> make_cuda_backend(const CudaDevice& /*device*/) {
  throw RunError("this program was built without CUDA");
}

}  // namespace sramsim
