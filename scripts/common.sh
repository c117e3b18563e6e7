# shellcheck shell=bash
# Sourced by inference.sh, run.sh and test.sh, which set ROOT (this repository, as seen from the caller's folder) and
# BUILD_DIR: one line per step, the details only where a step fails. The scripts that draw take their Python from here.

# step NAME COMMAND...: runs the command with its output in a log file; on failure prints the log's end and exits.
step() {
  local name=$1 start=$SECONDS status=0 log
  shift
  log=$BUILD_DIR/logs/${name// /-}.log
  mkdir -p "$BUILD_DIR/logs"
  printf -- '-- %s ... ' "$name"
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if [ "$status" -ne 0 ]; then
    printf 'FAILED after %d s\n' $((SECONDS - start))
    { grep -nE 'error:|Error|FAILED' "$log" | head -n 5; echo "[...]"; tail -n 30 "$log"; echo "(all of it: $log)"; } >&2
    exit "$status"
  fi
  printf '%d s\n' $((SECONDS - start))
}

# install GROUP...: what these groups of scripts/setup.sh need and this machine lacks.
install() { bash "$ROOT/scripts/setup.sh" "$@"; }

# python_with_matplotlib: prints the Python to draw with, or fails. The system's stands before the one in PATH: that may be
# a version manager's, which knows nothing of the packages that setup.sh installs. SRAMSIM_PYTHON names another.
python_with_matplotlib() {
  local python find='import importlib.util as u, sys; sys.exit(sys.version_info < (3, 9) or not u.find_spec("matplotlib"))'
  for python in ${SRAMSIM_PYTHON:+"$SRAMSIM_PYTHON"} /usr/bin/python3 python3; do
    if "$python" -c "$find" >/dev/null 2>&1; then
      echo "$python"
      return 0
    fi
  done
  return 1
}

# build TARGET... -- CMAKE_OPTION...: configures and compiles in BUILD_DIR. On a terminal ninja shows its progress.
build() {
  local targets=() options=(-DCMAKE_BUILD_TYPE=Release)
  while [ $# -gt 0 ] && [ "$1" != -- ]; do targets+=("$1"); shift; done
  [ $# -eq 0 ] || shift
  if command -v ccache >/dev/null; then
    options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache)
  fi
  step configure cmake -S "$ROOT" -B "$BUILD_DIR" -G Ninja "${options[@]}" "$@"
  grep -h -- '^-- sramsim:' "$BUILD_DIR/logs/configure.log" || true
  if [ -t 1 ]; then
    cmake --build "$BUILD_DIR" -j "$(nproc)" --target "${targets[@]}"
  else
    step "build ${targets[*]}" cmake --build "$BUILD_DIR" -j "$(nproc)" --target "${targets[@]}"
  fi
}
