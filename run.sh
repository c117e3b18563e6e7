#!/usr/bin/env bash
# Trains the seed network with low-precision weights and activations. Installs what is missing, builds in release mode,
# runs `sramsim train`. Further arguments go to it and win over the variables below:
#   bash run.sh --epochs 5 --out runs/short      bash run.sh --resume      (all of them: build/sramsim train --help)
set -euo pipefail
ROOT=$(dirname "${BASH_SOURCE[0]}")

epochs=${epochs:-30}
batch=${batch:-128}
lr=${lr:-0.1}                        # learning rate at the start; the schedule lowers it
wbit=${wbit:-4}                      # weight bits, 2..8
abit=${abit:-4}                      # activation bits, 1..8
alphaInit=${alphaInit:-10}           # where the activation clip of each layer starts
seed=${seed:-1}
dataset=${dataset:-$ROOT/datasets/mnist}
out=${out:-$ROOT/runs/w${wbit}a${abit}}  # folder of the checkpoints and the log
device=${device:-auto}               # auto, cpu or cuda
threads=${threads:-0}                # CPU threads; 0 takes all cores, or OMP_NUM_THREADS of them
BUILD_DIR=${BUILD_DIR:-$ROOT/build}

# shellcheck source=scripts/common.sh
source "$ROOT/scripts/common.sh"
install build
build sramsim -- -DSRAMSIM_TESTS=OFF -DSRAMSIM_BENCH=OFF

mkdir -p "$out"
exec "$BUILD_DIR/sramsim" train --dataset-dir "$dataset" --out "$out" --epochs "$epochs" --batch "$batch" --lr "$lr" \
  --wbits "$wbit" --abits "$abit" --alpha-init "$alphaInit" --seed "$seed" --device "$device" --threads "$threads" "$@"
