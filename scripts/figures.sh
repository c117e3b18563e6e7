#!/usr/bin/env bash
# Draws a sweep with whichever Python here has matplotlib; `sramsim sweep` ends with it.
#   bash scripts/figures.sh sweep.csv --out figures      (what else it takes: scripts/plot_sweep.py --help)
set -euo pipefail
ROOT=$(dirname "${BASH_SOURCE[0]}")/..

# shellcheck source=scripts/common.sh
source "$ROOT/scripts/common.sh"
if ! python=$(python_with_matplotlib); then
  echo "Python 3 with matplotlib is missing (bash scripts/setup.sh figures installs it)" >&2
  exit 1
fi
exec "$python" "$ROOT/scripts/plot_sweep.py" "$@"
