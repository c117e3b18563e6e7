#!/usr/bin/env bash
# The tests of scripts/plot_*.py with the Python that has matplotlib. Without one what needs no matplotlib is tested all
# the same, and status 77 tells ctest that the pictures were skipped.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")

# shellcheck source=scripts/common.sh
source "$here/../../scripts/common.sh"
export PYTHONDONTWRITEBYTECODE=1
if python=$(python_with_matplotlib); then exec "$python" -m unittest discover -s "$here"; fi
if command -v python3 >/dev/null; then python3 -m unittest discover -s "$here"; fi
echo "skipped: no Python with matplotlib here (bash scripts/setup.sh figures installs it)"
exit 77
