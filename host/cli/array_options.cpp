#include "host/cli/array_options.h"

#include <fmt/format.h>

#include "host/sweep/array_axes.h"
#include "kernels/sram_conv/sram_choice_cuda.h"
#include "kernels/sram_conv/sram_conv.h"

namespace sramsim {

ArraySettings ArrayOptions::settings() const {
  ArraySettings made;
  for (size_t a = 0; a < texts.size(); ++a) array_axes()[a].parse(made, texts[a]);
  return made;
}

void add_array_options(CLI::App& command, ArrayOptions& options, bool lists) {
  options.texts.reserve(array_axes().size());  // the options below keep references into it
  for (const ArrayAxis& axis : array_axes()) {
    options.texts.push_back(axis.text(ArraySettings{}));
    command.add_option(fmt::format("--{}", axis.name), options.texts.back(), axis.help())
        ->type_name(lists ? fmt::format("{},...", axis.value) : std::string(axis.value))
        ->group("Subarrays");
  }
}

void add_kernel_option(CLI::App& command, std::string& kernel) {
  std::string names, gpu_names;
  for (const SramConvVariant& v : sram_conv_variants())
    names += (names.empty() ? "" : ", ") + std::string(v.name);
  for (const cuda::SramKernelInfo& k : cuda::sram_cuda_kernels())
    gpu_names += (gpu_names.empty() ? "" : ", ") + std::string(k.name);
  command
      .add_option(
          "--kernel", kernel,
          fmt::format("force this variant of the SRAM convolution instead of the fastest that fits, on the "
                      "CPU one of {}; on a GPU one of {}, or kernel/form with form "
                      "clamp, half2, fma or table; all give the same numbers",
                      names, gpu_names))
      ->type_name("NAME")
      ->group("Run");
}

}  // namespace sramsim
