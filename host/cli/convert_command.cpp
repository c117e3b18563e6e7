// sramsim convert: any checkpoint to safetensors.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "host/cli/commands.h"
#include "host/cli/common.h"
#include "host/model/network.h"

namespace sramsim {
namespace {

struct ConvertOptions {
  CommonOptions common;
  std::string checkpoint, output;
  int wbits = 0, abits = 0;
  bool weights_only = false;
};

void convert(const ConvertOptions& options) {
  // A checkpoint may be converted where it lies: it is replaced once the new one is whole.
  check_outputs({{"--output", options.output}}, {{"--config", options.common.config}});
  Checkpoint checkpoint = load_checkpoint(options.checkpoint);
  if (options.wbits != 0) checkpoint.network.weight_bits = options.wbits;
  if (options.abits != 0) checkpoint.network.act_bits = options.abits;
  if (options.weights_only)
    std::erase_if(checkpoint.file.tensors, [](const auto& t) { return t.first.starts_with("optimizer."); });
  save_checkpoint(options.output, checkpoint);
  if (!options.common.quiet)
    fmt::print("{}: network {}, {}-bit weights, {}-bit activations, {} tensors\n", options.output,
               checkpoint.network.name, checkpoint.network.weight_bits, checkpoint.network.act_bits,
               checkpoint.file.tensors.size());
}

}  // namespace

void add_convert_command(CLI::App& app) {
  auto options = std::make_shared<ConvertOptions>();
  CLI::App* command = add_command(app, "convert", "a checkpoint, PyTorch's or ours, to safetensors");
  command
      ->add_option("--checkpoint", options->checkpoint,
                   "safetensors, or a PyTorch .pth/.pth.tar of the seed network")
      ->required()
      ->type_name("FILE");
  command->add_option("--output", options->output, "safetensors file to write")
      ->required()
      ->type_name("FILE");
  const auto width = [&](const char* name, int& bits, const char* help, int low) {
    command->add_option(name, bits, help)->check(CLI::IsMember({0}) | CLI::Range(low, 8))->type_name("BITS");
  };
  width("--wbits", options->wbits, "weight bits to note in the file, 2..8; 0 keeps the checkpoint's", 2);
  width("--abits", options->abits, "activation bits to note in the file, 1..8; 0 keeps the checkpoint's", 1);
  command->add_flag("--weights-only", options->weights_only,
                    "leave the optimiser's state of a training run out");
  add_common_options(*command, options->common);
  command->callback([options] { convert(*options); });
}

}  // namespace sramsim
