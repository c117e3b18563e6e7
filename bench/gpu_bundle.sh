#!/usr/bin/env bash
# Gathers what bench/gpu_suite.sh needs on a machine that has only a driver, CUDA and cuDNN: the programs of a CUDA build,
# the shared libraries that such a machine lacks, and the data the programs read.
#   bash bench/gpu_bundle.sh BUILD_DIR BUNDLE_DIR
# There: bash BUNDLE_DIR/bench/gpu_suite.sh BUNDLE_DIR/build OUT_DIR
set -euo pipefail
if [ $# -ne 2 ]; then
  echo "usage: bash bench/gpu_bundle.sh BUILD_DIR BUNDLE_DIR" >&2
  exit 2
fi
source_dir=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
mkdir -p "$2/build/lib" "$2/build/tests" "$2/build/bench"
bundle=$(cd "$2" && pwd)

programs=()
for program in sramsim tests/test_cuda $(cd "$build" && ls bench/gpu_*_bench 2>/dev/null); do
  if [ -x "$build/$program" ]; then
    cp "$build/$program" "$bundle/build/$program"
    strip --strip-all "$bundle/build/$program"
    programs+=("$build/$program")
  fi
done
if [ ${#programs[@]} -eq 0 ]; then
  echo "gpu_bundle.sh: no program found in $build (build it with CUDA first)" >&2
  exit 1
fi

# The C and C++ libraries belong to the machine; CUDA's libraries are there by assumption.
ldd "${programs[@]}" 2>/dev/null | awk '/=> \// {print $3}' | sort -u |
  grep -vE '/(libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s|ld-linux[^/]*|libcuda|libcudart|libcublas[^/]*|libcudnn[^/]*|libnv[^/]*)\.so' |
  while read -r library; do cp -L "$library" "$bundle/build/lib/"; done

mkdir -p "$bundle/bench" "$bundle/tests" "$bundle/models" "$bundle/datasets"
cp "$source_dir"/bench/*.sh "$source_dir"/bench/*.py "$bundle/bench/"
cp -r "$source_dir/tests/golden" "$bundle/tests/"
cp -r "$source_dir/datasets/mnist" "$bundle/datasets/"
cp "$source_dir"/models/*.safetensors "$bundle/models/" 2>/dev/null || true
du -sh "$bundle" | awk '{print "bundle of " $1 " in " $2}'
