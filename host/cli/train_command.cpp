// sramsim train: trains the seed network into a folder of checkpoints and logs.
#include <fmt/format.h>
#include <omp.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "host/cli/commands.h"
#include "host/cli/common.h"
#include "host/train/trainer.h"
#include "host/util/interrupt.h"
#include "host/util/parse.h"
#include "host/util/progress.h"
#include "host/util/version.h"
#include "kernels/core/error.h"
#include "models/seed_network.h"

namespace sramsim {
namespace {

struct TrainOptions {
  CommonOptions common;
  std::string dataset_dir = "datasets/mnist";
  std::string out;
  TrainSettings settings;
  std::string lr_steps;
  int wbits = 4, abits = 4;
  bool resume = false;
};

/// Lines go to stdout (unless --quiet) and to train.log in the output folder.
class Log {
 public:
  Log(const std::filesystem::path& file, bool resume, bool quiet)
      : path_(file), file_(file, resume ? std::ios::app : std::ios::trunc), quiet_(quiet) {
    if (!file_) throw RunError(fmt::format("{}: cannot be written", file.string()));
  }
  void operator()(const std::string& line) {
    if (!quiet_) {
      fmt::print("{}\n", line);
      std::fflush(stdout);
    }
    if (!(file_ << line << std::endl)) throw RunError(fmt::format("{}: cannot be written", path_.string()));
  }

 private:
  std::filesystem::path path_;
  std::ofstream file_;
  bool quiet_;
};

/// A resumed run keeps its settings: what was asked for on the command line must agree with them.
void check_resumed(const CLI::App& command, const TrainOptions& options, const std::filesystem::path& file) {
  const Checkpoint checkpoint = load_checkpoint(file);
  nlohmann::json stored = read_train_state(file, checkpoint).settings;
  nlohmann::json asked = options.settings;
  stored["wbits"] = checkpoint.network.weight_bits;
  stored["abits"] = checkpoint.network.act_bits;
  asked["wbits"] = options.wbits;
  asked["abits"] = options.abits;
  for (const auto& [name, value] : asked.items())
    if (name != "epochs" && command.count("--" + name) > 0 && value != stored[name])
      throw InputError(fmt::format("--{} {}: the run in {} was started with {}", name, value.dump(),
                                   file.string(), stored[name].dump()));
}

void make_folder(const std::string& out) {
  std::error_code failed;
  std::filesystem::create_directories(out, failed);
  if (failed) throw RunError(fmt::format("--out {}: {}", out, failed.message()));
}

void run_training(const CLI::App& command, TrainOptions& options) {
  if (!options.lr_steps.empty()) {
    for (const std::string& item : parse_list("--lr-steps", options.lr_steps))
      options.settings.lr_steps.push_back(parse_int("--lr-steps", item, 0, 1 << 20));
  }
  options.settings.resolve();
  const std::filesystem::path out = options.out, last = out / "last.safetensors";
  const bool exists = std::filesystem::exists(last);
  if (options.resume && !exists) throw InputError(fmt::format("--resume: there is no {}", last.string()));
  if (!options.resume && exists)
    throw InputError(fmt::format(
        "--out {}: a run is there already; continue it with --resume or take another folder", options.out));
  if (options.resume) check_resumed(command, options, last);

  const Dataset train_set = load_idx(options.dataset_dir, Split::kTrain);
  const Dataset test_set = load_idx(options.dataset_dir, Split::kTest);
  const auto backend = make_backend(options.common);
  const int threads = omp_get_max_threads();
  const std::optional<int> epochs =
      command.count("--epochs") > 0 ? std::optional(options.settings.epochs) : std::nullopt;
  make_folder(options.out);
  const auto trainer = options.resume
                           ? Trainer::resume(*backend, last, train_set, test_set, epochs, out, threads)
                           : std::make_unique<Trainer>(*backend, seed_network(options.wbits, options.abits),
                                                       train_set, test_set, options.settings, out, threads);
  TrainHooks hooks;
  hooks.stop_requested = interrupt_requested;
  hooks.progress = !options.common.quiet;
  if (options.common.verbose) hooks.note = print_note;

  Log log(out / "train.log", options.resume, options.common.quiet);
  const TrainState& state = trainer->state();
  log(fmt::format("{}  {}", version_line(), backend->describe()));
  log(fmt::format("network {}, {}-bit weights, {}-bit activations; {} training and {} test images from {}",
                  trainer->network().spec().name, trainer->network().spec().weight_bits,
                  trainer->network().spec().act_bits, train_set.count, test_set.count, options.dataset_dir));
  log(fmt::format("settings {}", nlohmann::json(state.settings).dump()));
  if (options.resume) log(fmt::format("resumed at epoch {}, step {}", state.epoch + 1, state.step));
  if (state.epoch >= state.settings.epochs) log("the run is finished; a larger --epochs lengthens it");
  hooks.log = std::ref(log);
  trainer->run(hooks);
  log(fmt::format("best test accuracy {:.2f} %: {}", state.best_accuracy * 100,
                  (out / "best.safetensors").string()));
}

/// The batch is part of the recipe: it is not halved behind the user's back as in inference.
void train(const CLI::App& command, TrainOptions options) {
  try {
    run_training(command, options);
  } catch (const OutOfMemory& e) {
    throw RunError(
        fmt::format("{}; --batch {} does not fit, take a smaller one", e.what(), options.settings.batch));
  }
}

void add_recipe_options(CLI::App& command, TrainOptions& options) {
  const std::string group = "Recipe";
  TrainSettings& s = options.settings;
  command.add_option("--epochs", s.epochs, "passes over the training images")->type_name("N")->group(group);
  command.add_option("--batch", s.batch, "images per step")->type_name("N")->group(group);
  command.add_option("--lr", s.lr, "learning rate at the start")->type_name("RATE")->group(group);
  command.add_option("--momentum", s.momentum, "momentum of SGD")->type_name("M")->group(group);
  command.add_option("--weight-decay", s.weight_decay, "weight decay of SGD")->type_name("D")->group(group);
  command
      .add_option(
          "--lr-steps", options.lr_steps,
          "epochs, counted from 0, at which the rate is multiplied by --lr-factor; default: 2/3 and 5/6 "
          "of the run (20,25 of 30)")
      ->type_name("E,E,...")
      ->group(group);
  command.add_option("--lr-factor", s.lr_factor, "factor of the rate at each step")
      ->type_name("F")
      ->group(group);
  command.add_option("--loss", s.loss, "softmax cross-entropy, or mean squared error on one-hot labels")
      ->type_name("ce|mse")
      ->group(group);
  command
      .add_option(
          "--alpha-init", s.alpha_init,
          "clipping level of the activation quantisers at the start: a number, or 'data' to take each "
          "layer's from the activations of the first batch")
      ->type_name("NUMBER|data")
      ->group(group);
  command
      .add_option("--alpha-lambda", s.alpha_lambda,
                  "weight of the loss term sum(alpha^2) of the clipping levels")
      ->type_name("L")
      ->group(group);
  command.add_option("--seed", s.seed, "seed of initial weights, order of images and dropout")
      ->check(whole_number())
      ->type_name("N")
      ->group(group);
  command.add_option("--limit", s.limit, "train on the first N images only; 0 takes all")
      ->check(whole_number())
      ->type_name("N")
      ->group(group);
}

}  // namespace

void add_train_command(CLI::App& app) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* command =
      add_command(app, "train", "train the seed network (defaults: the recipe of the reference)");
  add_dataset_option(*command, options->dataset_dir);
  command
      ->add_option(
          "--out", options->out,
          "folder for last.safetensors, best.safetensors, train.csv and train.log; created if missing")
      ->required()
      ->type_name("DIR");
  command->add_flag(
      "--resume", options->resume,
      "continue the run in --out exactly where it stopped; its settings stay, only --epochs may "
      "change");
  command->add_option("--wbits", options->wbits, "weight bits B")->check(CLI::Range(2, 8))->type_name("2..8");
  command->add_option("--abits", options->abits, "activation bits A")
      ->check(CLI::Range(1, 8))
      ->type_name("1..8");
  add_recipe_options(*command, *options);
  command
      ->add_option(
          "--backward", options->settings.backward,
          "how convolution gradients are formed. On the CPU: auto takes bf16 where the CPU has it, else "
          "winograd where it applies, else direct. On a GPU: auto is tf32, which rounds operands to 11 bits "
          "for the tensor cores; direct is float32")
      ->type_name("auto|direct|winograd|bf16|tf32")
      ->group("Run");
  add_common_options(*command, options->common);
  command->callback([options, command] { train(*command, *options); });
}

}  // namespace sramsim
