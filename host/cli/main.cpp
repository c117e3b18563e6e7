// sramsim: the one binary. Only this file turns exceptions into a line and an exit code.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "host/cli/commands.h"
#include "host/cli/config_file.h"
#include "host/cli/help_formatter.h"
#include "host/util/interrupt.h"
#include "host/util/version.h"
#include "host/util/waiting.h"
#include "kernels/core/error.h"

namespace {

enum ExitCode { kSuccess = 0, kFailure = 1, kBadInput = 2, kInterrupted = 130 };

/// Every error is one line on stderr, whatever its text holds.
int report(std::string message, ExitCode code) {
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.pop_back();
  std::replace_if(
      message.begin(), message.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  std::fprintf(stderr, "sramsim: %s\n", message.c_str());
  return code;
}

/// CLI11 would only say that a command is required.
void check_command(const CLI::App& app, const std::string& word) {
  if (word.starts_with("-")) return;
  std::string known;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == word) return;
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  throw sramsim::InputError("'" + word + "' is no command, choose one of " + known);
}

int run(int argc, char** argv) {
  CLI::App app(
      "SRAM compute-in-memory inference simulator: the accuracy of a quantised network on subarrays "
      "with low-resolution ADCs",
      "sramsim");
  app.set_version_flag("--version", sramsim::version_line(), "print the version and what it was built with");
  app.formatter(std::make_shared<sramsim::HelpFormatter>());
  app.require_subcommand(1);
  app.footer(
      "`sramsim COMMAND --help` explains a command's options. Exit codes: 0 success, 1 failure while "
      "running, 2 bad usage or bad input.");
  sramsim::add_train_command(app);
  sramsim::add_infer_command(app);
  sramsim::add_sweep_command(app);
  sramsim::add_layer_command(app);
  sramsim::add_cost_command(app);
  sramsim::add_convert_command(app);

  try {
    if (argc > 1) check_command(app, argv[1]);
    auto arguments = sramsim::expand_config(app, std::vector<std::string>(argv + 1, argv + argc));
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app.parse(arguments);
  } catch (const CLI::Success& help) {
    app.exit(help);
  } catch (const CLI::ParseError& e) {
    return report(e.what(), kBadInput);
  }
  // A full disk behind a redirected stdout must not pass for success.
  if (!std::cout.flush() || std::fflush(stdout) != 0 || std::ferror(stdout))
    return report("stdout: cannot be written", kFailure);
  return kSuccess;
}

}  // namespace

int main(int argc, char** argv) {
  sramsim::limit_spinning(argv);
  sramsim::install_interrupt_handler();
  try {
    return run(argc, argv);
  } catch (const sramsim::Interrupted&) {
    return report("interrupted", kInterrupted);
  } catch (const sramsim::InputError& e) {
    return report(e.what(), kBadInput);
  } catch (const sramsim::RunError& e) {
    return report(e.what(), kFailure);
  } catch (const std::bad_alloc&) {
    return report("out of memory", kFailure);
  } catch (const std::exception& e) {
    return report(e.what(), kFailure);
  }
}
