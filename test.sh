#!/usr/bin/env bash
# Installs what is missing, checks the formatting, builds everything with warnings as errors, lints, runs all tests.
# Further arguments go to ctest:  bash test.sh -R formats      bash test.sh -L kernels --rerun-failed
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
ROOT=.

BUILD_DIR=${BUILD_DIR:-build-ci}
cuda=${cuda:-AUTO}       # AUTO builds with CUDA where nvcc works; ON, OFF
lint=${lint:-auto}       # clang-format, clang-tidy: auto runs those that are installed, yes installs them, no skips

# Threads that spin while they wait slow down on a busy machine (the program sets this itself, tests do not).
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT-1000}
# shellcheck source=scripts/common.sh
source scripts/common.sh
if [ -n "${CI:-}" ] && [ "$lint" = auto ]; then lint=yes; fi
groups=(build test mpi)
[ "$lint" != yes ] || groups+=(lint)
[ -z "${CI:-}" ] || groups+=(figures)  # elsewhere the pictures are tested where matplotlib is
install "${groups[@]}"

if [ "$lint" != no ] && command -v clang-format >/dev/null; then step format bash scripts/lint.sh format; fi
build all -- -DSRAMSIM_TESTS=ON -DSRAMSIM_WERROR=ON "-DSRAMSIM_CUDA=$cuda"
if [ "$lint" != no ] && command -v clang-tidy >/dev/null; then step clang-tidy bash scripts/lint.sh tidy "$BUILD_DIR"; fi
ctest --test-dir "$BUILD_DIR" --output-on-failure "$@"
