#!/usr/bin/env bash
# Profiles a short training and a short inference on the GPU with Nsight Systems:
#   bash bench/profile_nsys.sh BUILD_DIR OUT_DIR
# Writes OUT_DIR/train.nsys-rep and infer.nsys-rep with tables of kernels and ranges beside them. docs/profiling.md says
# what to look for. Needs a GPU, a CUDA build and nsys; installs nothing.
set -euo pipefail
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT-1000}  # else sramsim starts itself again to set it, under the profiler too
if [ $# -ne 2 ]; then
  echo "usage: bash bench/profile_nsys.sh BUILD_DIR OUT_DIR" >&2
  exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
sramsim=$(cd "$1" && pwd)/sramsim
mkdir -p "$2" && out=$(cd "$2" && pwd)
export PATH="$PATH:/usr/local/cuda/bin"
if ! command -v nsys >/dev/null 2>&1; then
  echo "profile_nsys.sh: nsys (Nsight Systems) is not installed here; it comes with the CUDA toolkit" >&2
  exit 1
fi

# profile NAME RANGE COMMAND...: records while RANGE is open for the first time. The ranges' names are not registered
# strings, which nsys must be told.
profile() {
  local name=$1 range=$2
  shift 2
  NSYS_NVTX_PROFILER_REGISTER_ONLY=0 nsys profile --trace=cuda,nvtx,cublas,cudnn --cuda-graph-trace=node \
    --capture-range=nvtx --nvtx-capture="$range" --capture-range-end=stop --force-overwrite=true \
    --output="$out/$name" "$@"
  for report in cuda_gpu_kern_sum nvtx_sum cuda_api_sum; do
    nsys stats --force-export=true --report "$report" --output - "$out/$name.nsys-rep" >"$out/${name}_$report.txt" ||
      echo "profile_nsys.sh: this nsys has no report $report" >&2
  done
}

rm -rf "$out/run"
profile train epoch "$sramsim" train --device cuda --dataset-dir "$root/datasets/mnist" --out "$out/run" \
  --epochs 1 --limit 25600 --verbose
profile infer evaluate "$sramsim" infer --device cuda --checkpoint "$root/models/seed_w4a4.safetensors" \
  --dataset-dir "$root/datasets/mnist" --subarray 64 --adc-bits 5 --batch 512 --stats-images 0 --verbose
echo "reports in $out: train.nsys-rep, infer.nsys-rep and their tables"
