#!/usr/bin/env bash
# Accuracy of a trained network on SRAM subarrays, over a grid of subarray sizes and ADC resolutions.
# Installs what is missing, builds in release mode, runs `sramsim sweep`: rows, pictures and a report. Further arguments
# go to it and win over the variables below (all of them: build/sramsim sweep --help):
#   bash inference.sh --limit 1000 --mapping unrolled
# A run that was interrupted is continued by the same command; for other settings, --fresh moves the old rows away.
set -euo pipefail
ROOT=$(dirname "${BASH_SOURCE[0]}")

subArray=${subArray:-16,32,64,128}      # rows of one subarray
adcBits=${adcBits:-2,3,4,5,6,0}         # ADC resolution in bits; 0 is an ideal ADC
wbit=${wbit:-0}                         # weight bits; 0 takes what the checkpoint was trained with
abit=${abit:-0}                         # activation bits; 0 takes what the checkpoint was trained with
checkpoint=${checkpoint:-$ROOT/models/seed_w4a4.safetensors}
dataset=${dataset:-$ROOT/datasets/mnist}
results=${results:-$ROOT/results}       # folder of the CSV file, the pictures and report.html
figures=${figures:-yes}                 # no: neither pictures nor what draws them (Python, matplotlib)
device=${device:-auto}                  # auto, cpu or cuda
threads=${threads:-0}                   # CPU threads; 0 takes all cores, or OMP_NUM_THREADS of them
BUILD_DIR=${BUILD_DIR:-$ROOT/build}

# shellcheck source=scripts/common.sh
source "$ROOT/scripts/common.sh"
install build
pictures=(--figures "$results")
if [ "$figures" = no ]; then
  pictures=(--no-figures)
elif ! python_with_matplotlib >/dev/null && ! install figures 2>/dev/null; then
  # The simulator needs neither: no reason to fail.
  echo "-- no pictures: Python 3 with matplotlib is missing and could not be installed (bash scripts/setup.sh figures)"
  pictures=(--no-figures)
fi
build sramsim -- -DSRAMSIM_TESTS=OFF -DSRAMSIM_BENCH=OFF

mkdir -p "$results"
exec "$BUILD_DIR/sramsim" sweep --checkpoint "$checkpoint" --dataset-dir "$dataset" \
  --subarray "$subArray" --adc-bits "$adcBits" --wbits "$wbit" --abits "$abit" \
  --device "$device" --threads "$threads" --csv "$results/sweep.csv" "${pictures[@]}" "$@"
