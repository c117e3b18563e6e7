#!/usr/bin/env bash
# What the tree must pass besides the compiler.
#   bash scripts/lint.sh format            clang-format changes nothing
#   bash scripts/lint.sh tidy BUILD_DIR    clang-tidy finds nothing (every check of .clang-tidy is an error)
# A source that clang-tidy passed is not looked at again until it, a header of the project or the checks change.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folders=(kernels host models datasets tests bench)
export test_checks='-*,bugprone-use-after-move,bugprone-dangling-handle,bugprone-infinite-loop,bugprone-unused-raii'
test_checks+=',bugprone-sizeof-expression,bugprone-integer-division,misc-unused-using-decls,modernize-use-override'

check_format() {
  find "${folders[@]}" \( -name '*.cpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh' \) -print0 |
    xargs -0 -P "$(nproc)" -n 16 clang-format --dry-run -Werror
}

# tidy_one BUILD_DIR STATE SOURCE: STATE is a digest of all that every source depends on.
tidy_one() {
  local passed checks
  passed=$1/tidy/$(cat "$3" - <<<"$2" | sha256sum | cut -c 1-32)
  [ ! -e "$passed" ] || return 0
  # Checks look into the test frameworks' headers and macros, too; there, only those that have found something pay.
  case $3 in "$PWD"/tests/* | "$PWD"/bench/*) checks=--checks=$test_checks ;; *) checks=--checks= ;; esac
  clang-tidy -p "$1" --quiet "$checks" "$3" 2>&1 | { grep -vE '^[0-9]+ warnings? (generated|treated)|^$' || true; }
  [ "${PIPESTATUS[0]}" -eq 0 ] || return 1
  : >"$passed"
}
export -f tidy_one

check_tidy() {
  local state
  mkdir -p "$1/tidy"
  state=$({ cat .clang-tidy; clang-tidy --version; find "${folders[@]}" -name '*.h' -print0 | sort -z | xargs -0 cat; } |
    sha256sum)
  grep -oE '"file": "[^"]+\.cpp"' "$1/compile_commands.json" | cut -d '"' -f 4 | sort -u |
    xargs -P "$(nproc)" -I {} bash -c 'tidy_one "$@"' tidy "$1" "$state" {}
}

case ${1:-} in
  format) check_format ;;
  tidy) check_tidy "${2:?usage: lint.sh tidy BUILD_DIR}" ;;
  *) echo "usage: lint.sh format | tidy BUILD_DIR" >&2; exit 2 ;;
esac
