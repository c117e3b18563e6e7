// main() of a bench whose rows are made at run time.
#pragma once

#include <benchmark/benchmark.h>

namespace sramsim {

inline int run_benches(int argc, char** argv, void (*add_all)()) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  add_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace sramsim
