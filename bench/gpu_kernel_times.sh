#!/usr/bin/env bash
# Device time of a program by kernel, from Nsight Compute (ncu), which times every launch by itself:
#   bash bench/gpu_kernel_times.sh build/sramsim infer --checkpoint models/seed_w4a4.safetensors ...
# Prints milliseconds, launches and name of every kernel, longest first, and their sum in the last line.
set -euo pipefail
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT-1000}  # else sramsim starts itself again to set it, under the profiler too
if [ $# -eq 0 ]; then
  echo "usage: bash bench/gpu_kernel_times.sh PROGRAM [ARGUMENT...]" >&2
  exit 2
fi
command -v ncu >/dev/null || { echo "gpu_kernel_times.sh: no ncu (Nsight Compute) here" >&2; exit 1; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
ncu --clock-control none --metrics gpu__time_duration.sum --csv "$@" >"$log" || { tail -n 5 "$log" >&2; exit 1; }
awk -F'","' '
  /^"ID"/ {for (k = 1; k <= NF; ++k) {gsub(/"/, "", $k); if ($k == "Kernel Name") name = k}; next}
  /^"[0-9]/ {
    value = $NF; gsub(/[",]/, "", value)
    unit = $(NF - 1)
    scale = unit ~ /^n/ ? 1e-6 : unit ~ /^u/ ? 1e-3 : unit ~ /^m/ ? 1 : 1e3
    kernel = $name; sub(/\(.*/, "", kernel)
    time[kernel] += value * scale; ++launches[kernel]; all += value * scale; ++count
  }
  END {
    for (kernel in time) printf "%9.3f ms %6d  %s\n", time[kernel], launches[kernel], kernel | "sort -rn"
    close("sort -rn")
    printf "%9.3f ms %6d  all kernels\n", all, count
  }' "$log"
