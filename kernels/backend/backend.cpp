#include "kernels/backend/backend.h"

#include "kernels/backend/cpu_backend.h"
#include "kernels/core/error.h"

namespace sramsim {

std::unique_ptr<Backend> make_cpu_backend(int threads) {
  return std::make_unique<CpuBackend>(threads);
}

std::unique_ptr<Backend> make_backend(const std::string& device, int threads, std::string* note) {
  if (device == "auto" && note) *note = "this build has no CUDA backend";
  if (device == "auto" || device == "cpu") return make_cpu_backend(threads);
  if (device != "cuda") throw InputError("device '" + device + "' is unknown, choose auto, cpu or cuda");
  throw RunError("device 'cuda': this build has no CUDA backend");
}

}  // namespace sramsim
