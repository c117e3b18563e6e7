#!/usr/bin/env bash
#SBATCH --job-name=sramsim-sweep
#SBATCH --ntasks=5               # one hands out the points and writes the rows, the others compute
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
# With GPUs, one per computing task:  sbatch --gpus-per-node=4 --ntasks-per-node=5 scripts/slurm_sweep.sh ... --device cuda
#
# A sweep on a Slurm cluster. Build on a node like those it runs on (cmake --preset default, with MPI found), then, from
# the folder of the repository:
#   sbatch scripts/slurm_sweep.sh --grid scripts/grids/full.toml --csv full.csv
# Arguments go to `sramsim sweep`. A job that was killed, ran out of time or lost a node is started again in the same way:
# it continues from the rows in the file.
set -euo pipefail

sramsim=${sramsim:-build/sramsim}
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}

exec srun --kill-on-bad-exit=1 "$sramsim" sweep --threads "$OMP_NUM_THREADS" "$@"
