# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# ./socle plan: builds the program of that name where that is needed, and becomes it. Its usage text is
# the program's own, so that help needs no build.

# asks_for_help ARGUMENTS...: as the program reads them: --help wherever an option may stand.
asks_for_help() {
  local word
  for word in "$@"; do
    case $word in
      --help | -h) return 0 ;;
      --) return 1 ;;
    esac
  done
  return 1
}

# build_plan: quiet unless it fails; the program's output is what was asked for.
build_plan() {
  local log=$BUILD/plan.log
  mkdir -p "$BUILD"
  if [[ ! -x $BUILD/host/plan/socle-plan ]]; then say "building the command (once)"; fi
  (build_preset host socle-plan) >"$log" 2>&1 || { cat "$log" >&2; die "'plan' could not be built"; }
}

plan_main() {
  if asks_for_help "$@"; then
    cat "$SOCLE_ROOT/plan/usage.txt"
    return 0
  fi
  [[ $# -gt 0 ]] || misuse "FILE is missing" plan
  need_packages "./socle setup --yes" "${TEST_PACKAGES[@]}"
  build_plan
  exec "$BUILD/host/plan/socle-plan" "$@"
}
