#!/usr/bin/env bash
# Everything there is to prove and to measure on a GPU, in one run:
#   bash bench/gpu_suite.sh BUILD_DIR OUT_DIR
# gpu tests, kernel benches, inference, its kernels one by one, sweep and training end to end, the PyTorch baseline where
# PyTorch is installed, and compute-sanitizer on small cases. Needs the driver, CUDA and cuDNN; installs nothing. A part whose program is missing
# is skipped and says so. Writes OUT_DIR/suite.json, OUT_DIR/suite.txt (a table) and one log per part. The exit status is
# 1 if a part failed. SUITE_PARTS="tests benches" restricts it; the parts are the words below.
set -uo pipefail
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT-1000}  # else sramsim starts itself again to set it, under the profiler too
if [ $# -ne 2 ]; then
  echo "usage: bash bench/gpu_suite.sh BUILD_DIR OUT_DIR" >&2
  exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd) || exit 2
mkdir -p "$2" && out=$(cd "$2" && pwd) || exit 2
parts=${SUITE_PARTS:-tests benches infer kernels sweep train pytorch sanitizer}
system_libraries=${LD_LIBRARY_PATH:-}  # for programs that are not of the bundle
export LD_LIBRARY_PATH="$build/lib:/usr/local/cuda/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export PATH="$PATH:/usr/local/cuda/bin"
if ldd "$build/sramsim" | grep -q 'libcudnn.*not found'; then  # then PyTorch's own, where that is installed
  cudnn=$(python3 -c 'import nvidia.cudnn as c; print(list(c.__path__)[0])' 2>/dev/null) && export LD_LIBRARY_PATH="$LD_LIBRARY_PATH:$cudnn/lib"
fi
export SRAMSIM_SOURCE="$root"  # where the golden files lie, if not where the tests were built
results=()  # one JSON object per part
failed=0

json_text() { printf '"%s"' "$(printf '%s' "$1" | tr -d '\r' | tr '\n\t' '  ' | sed 's/\\/\\\\/g; s/"/\\"/g')"; }

record() {  # name status seconds note
  results+=("{\"name\": $(json_text "$1"), \"status\": \"$2\", \"seconds\": $3, \"note\": $(json_text "$4")}")
  printf '%-28s %-8s %8s s  %s\n' "$1" "$2" "$3" "$4" | tee -a "$out/suite.txt"
  if [ "$2" = failed ]; then failed=1; fi
}

# part NAME LIMIT_SECONDS COMMAND...: runs it, keeps its output in OUT_DIR/NAME.log, records its last line.
part() {
  local name=$1 limit=$2 start status
  shift 2
  if ! command -v "$1" >/dev/null 2>&1; then
    record "$name" skipped 0 "no $(basename "$1") here"
    return
  fi
  start=$(date +%s.%N)
  timeout "$limit" "$@" >"$out/$name.log" 2>&1
  status=$?
  local seconds
  seconds=$(awk -v a="$start" -v b="$(date +%s.%N)" 'BEGIN {printf "%.1f", b - a}')
  local last
  last=$(grep -v '^[[:space:]]*$' "$out/$name.log" | tail -n 1 | cut -c 1-140)
  if [ $status -eq 0 ]; then record "$name" ok "$seconds" "$last"
  elif [ $status -eq 124 ]; then record "$name" failed "$seconds" "stopped after $limit s: $last"
  else record "$name" failed "$seconds" "exit $status: $last"; fi
}

wants() { case " $parts " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }
checkpoint=$(find "$root/models" -name "*.safetensors" 2>/dev/null | sort | head -n 1)
data="$root/datasets/mnist"

gpu=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 1)
: >"$out/suite.txt"
echo "GPU: ${gpu:-none found by nvidia-smi}; $(date -u +%Y-%m-%dT%H:%MZ)" | tee -a "$out/suite.txt"

if wants tests; then part tests 600 "$build/tests/test_cuda"; fi
if wants benches; then
  found=0
  for bench in "$build"/bench/gpu_*_bench; do
    [ -x "$bench" ] || continue
    found=1
    part "$(basename "$bench")" 900 "$bench" --json "$out/$(basename "$bench").json"
  done
  [ $found -eq 1 ] || record benches skipped 0 "no bench/gpu_*_bench in $build"
fi
if wants infer; then
  if [ -z "$checkpoint" ]; then
    record infer skipped 0 "no checkpoint in models/"
  else
    for r in 64 128; do
      part "infer_r$r" 300 "$build/sramsim" infer --device cuda --checkpoint "$checkpoint" --dataset-dir "$data" \
        --subarray "$r" --adc-bits 5 --json "$out/infer_r$r.json"
    done
  fi
fi
if wants kernels; then
  for file in "$root"/models/*.safetensors; do
    [ -f "$file" ] || continue
    part "kernels_$(basename "$file" .safetensors)" 300 bash "$root/bench/gpu_kernel_times.sh" "$build/sramsim" infer \
      --device cuda --checkpoint "$file" --dataset-dir "$data" --subarray 64 --adc-bits 5
  done
fi
if wants sweep; then
  if [ -z "$checkpoint" ]; then
    record sweep skipped 0 "no checkpoint in models/"
  else
    part sweep 600 "$build/sramsim" sweep --device cuda --checkpoint "$checkpoint" --dataset-dir "$data" \
      --subarray 16,32,64,128,256,512 --adc-bits 2,3,4,5,6,7,8,0 --no-figures --csv "$out/sweep.csv"
  fi
fi
if wants train; then
  part train 900 "$build/sramsim" train --device cuda --dataset-dir "$data" --out "$out/train" --epochs 30 --verbose
  part train_float32 300 "$build/sramsim" train --device cuda --dataset-dir "$data" --out "$out/train_float32" \
    --epochs 3 --backward direct
  SRAMSIM_CUDA_GRAPH=0 part train_plain 300 "$build/sramsim" train --device cuda --dataset-dir "$data" \
    --out "$out/train_plain" --epochs 3
fi
if wants pytorch; then
  if LD_LIBRARY_PATH=$system_libraries python3 -c 'import torch' 2>/dev/null; then
    part pytorch 900 env LD_LIBRARY_PATH="$system_libraries" python3 "$root/bench/pytorch_baseline.py" --work train,conv2 --json "$out/pytorch.json"
  else
    record pytorch skipped 0 "PyTorch is not installed"
  fi
fi

if wants sanitizer; then
  # Small cases: the tools slow kernels down a hundredfold. Calls that fail are no errors here: some tests want them to.
  filter='--gtest_filter=Ptx.*:*GoldenFiles*:*WarpgroupShapes*:*ChunksAndBatches*:CudaBackendTest.*'
  part memcheck 600 compute-sanitizer --tool memcheck --report-api-errors no --error-exitcode 9 "$build/tests/test_cuda" "$filter"
  part racecheck 600 compute-sanitizer --tool racecheck --error-exitcode 9 "$build/tests/test_cuda" "$filter"
fi

# One JSON of everything: the parts, and what they wrote themselves.
{
  printf '{\n "gpu": %s,\n "date": "%s",\n "parts": [\n' "$(json_text "$gpu")" "$(date -u +%Y-%m-%dT%H:%MZ)"
  for ((k = 0; k < ${#results[@]}; ++k)); do
    printf '  %s%s\n' "${results[$k]}" "$([ $((k + 1)) -lt ${#results[@]} ] && echo ,)"
  done
  printf ' ]'
  for file in "$out"/*.json; do
    if [ ! -s "$file" ] || [ "$(basename "$file")" = suite.json ]; then continue; fi
    printf ',\n %s: ' "$(json_text "$(basename "$file" .json)")"
    cat "$file"
  done
  printf '\n}\n'
} >"$out/suite.json.part"
mv "$out/suite.json.part" "$out/suite.json"
exit $failed
