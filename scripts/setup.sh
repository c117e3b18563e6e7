#!/usr/bin/env bash
# Installs what is missing, and only that: a second run asks nothing of the network.
#   bash scripts/setup.sh build            what the program is built from
#   bash scripts/setup.sh build test       ... and its tests
#   groups: build, test, mpi, lint (clang-format, clang-tidy), bench, figures, baseline (PyTorch, to compare with)
# On Debian and its relatives apt-get installs, as root or through sudo. Elsewhere the missing parts are named, with exit
# status 2, and found again as soon as they are there, whoever installed them.
set -euo pipefail

# Per group: Debian package, and what proves it present: a command, or a header in angle brackets.
requirements() {
  case $1 in
    build) echo 'g++ c++
cmake cmake
ninja-build ninja
git git
libdnnl-dev <dnnl.hpp>
libcli11-dev <CLI/CLI.hpp>
nlohmann-json3-dev <nlohmann/json.hpp>
libtomlplusplus-dev <toml++/toml.h>
libfmt-dev <fmt/format.h>
libzip-dev <zip.h>
zlib1g-dev <zlib.h>' ;;
    test) echo 'libgtest-dev <gtest/gtest.h>' ;;
    mpi) echo 'libopenmpi-dev mpicxx
openmpi-bin mpirun' ;;
    lint) echo 'clang-format clang-format
clang-tidy clang-tidy
libomp-dev package' ;;
    bench) echo 'libbenchmark-dev <benchmark/benchmark.h>
valgrind valgrind' ;;
    figures) echo 'python3 python3
python3-numpy package
python3-matplotlib package' ;;
    baseline) echo 'python3 python3
python3-numpy package
python3-torch package' ;;
    *) echo "setup.sh: unknown group '$1' (build, test, mpi, lint, bench, figures, baseline)" >&2; exit 2 ;;
  esac
}

has_package() {
  command -v dpkg-query >/dev/null &&
    [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null)" = 'ii ' ]
}

has_header() {  # has_header '<zip.h>'
  command -v c++ >/dev/null &&
    printf '#if !__has_include(%s)\n#error\n#endif\n' "$1" | c++ -std=c++20 -E -x c++ - >/dev/null 2>&1
}

# Reads lines "package proof", prints the packages that are missing.
missing_of() {
  local package proof
  while read -r package proof; do
    case $proof in
      package) has_package "$package" || echo "$package" ;;
      '<'*) has_package "$package" || has_header "$proof" || echo "$package" ;;
      *) command -v "$proof" >/dev/null || echo "$package" ;;
    esac
  done
}

# The command that runs apt-get with the rights it needs, or nothing.
privilege() {
  if [ "$(id -u)" = 0 ]; then
    echo env
  elif command -v sudo >/dev/null; then
    if [ -t 0 ]; then echo sudo; else sudo -n true 2>/dev/null && echo sudo -n; fi
  fi
}

install_with_apt() {  # install_with_apt RUNNER... -- PACKAGE...
  local runner=() log
  while [ "$1" != -- ]; do runner+=("$1"); shift; done
  shift
  log=$(mktemp)
  local apt=("${runner[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update >"$log" 2>&1 || true  # an old list may do; if not, the installation says so
  if ! "${apt[@]}" install -y --no-install-recommends "$@" >>"$log" 2>&1 </dev/null; then
    echo FAILED
    echo "setup.sh: apt-get could not install $*; its last lines:" >&2
    tail -n 15 "$log" >&2
    rm -f "$log"
    exit 1
  fi
  rm -f "$log"
}

[ $# -gt 0 ] || set -- build
wanted=
for group in "$@"; do
  lines=$(requirements "$group")
  wanted+=$lines$'\n'
done
mapfile -t missing < <(missing_of <<<"${wanted%$'\n'}" | sort -u)
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

start=$SECONDS
runner=()
if command -v apt-get >/dev/null; then read -r -a runner <<<"$(privilege || true)"; fi
if [ ${#runner[@]} -eq 0 ]; then
  echo "setup.sh: missing here (names of the Debian packages): ${missing[*]}" >&2
  if command -v apt-get >/dev/null; then
    echo "Install them as root and start again:  apt-get install --no-install-recommends ${missing[*]}" >&2
  else
    echo "Install what provides the same with this system's package manager and start again. Needed: a C++20 compiler" >&2
    echo "with OpenMP, CMake >= 3.25, Ninja, oneDNN 2.x, CLI11, nlohmann-json, toml++, fmt, libzip, zlib (and GoogleTest)." >&2
  fi
  exit 2
fi
printf -- '-- install %s ... ' "${missing[*]}"
install_with_apt "${runner[@]}" -- "${missing[@]}"
mapfile -t left < <(missing_of <<<"${wanted%$'\n'}" | sort -u)
if [ ${#left[@]} -gt 0 ]; then
  echo "setup.sh: still missing after the installation: ${left[*]}" >&2
  exit 1
fi
echo "$((SECONDS - start)) s"
