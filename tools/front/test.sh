# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# ./socle test: the stages are the files of tools/front/stages, in the order of their names. To add
# one, add a file NN-NAME.sh that sets
#   about   one line that says what it checks
#   slow    yes if --quick shall leave it out (everything that runs QEMU)
# and has the functions
#   exists  fails where there is nothing to check yet (the stage is then not listed at all)
#   stage   does it; any failing command fails the stage. `count PASSED FAILED` adds its tests to
#           the sum; a stage that never counts is one test. FILTERS holds what was asked for as
#           STAGE:WORD, FULL says whether --full was given.

test_help() {
  cat <<HELP
Usage: ./socle test [OPTIONS] [STAGE[:WORD]...]

Builds everything and runs all tests, or the named stages only; STAGE:WORD runs the tests of the
stage whose names contain WORD (stages host, front and qemu). The last line says 'N passed, N failed'; the
exit status is 0 only if nothing failed. Logs are in build/test.

Options:
  --quick      leave out what needs QEMU
  --full       also the long matrix of machines, and clang-tidy of the tests
  --list       name the stages and run nothing
  --yes, -y    install missing packages without asking (implied by CI=true)

Stages:
HELP
  each_stage list_stage
}

# each_stage FUNCTION: calls FUNCTION NAME FILE for the stages that there is something to do for.
each_stage() {
  local file name
  for file in "$SOCLE_ROOT"/tools/front/stages/*.sh; do
    name=$(basename "$file" .sh)
    name=${name#*-}
    # shellcheck source=/dev/null
    if (source "$file"; exists) >/dev/null 2>&1; then "$1" "$name" "$file"; fi
  done
}

list_stage() {
  # shellcheck source=/dev/null disable=SC2154 # the stage file sets `about`
  (source "$2"; printf '  %-10s %s\n' "$1" "$about")
}

# --- what stages use ----------------------------------------------------------------------------

count() { printf '%d %d\n' "$1" "$2" >>"$COUNTS"; }

# tracked PATTERN...: files of the project (committed or new), not of build/.
tracked() { git -C "$SOCLE_ROOT" ls-files --cached --others --exclude-standard -- "$@" | sort -u; }

# --- tests written in bash: the topics of a directory below test/ --------------------------------

# names FILE: its tests as TOPIC/FUNCTION: test_* always, full_* with --full.
names() {
  local kinds='test_'
  if [[ $FULL == yes ]]; then kinds='(test|full)_'; fi
  sed -nE "s/^(${kinds}[a-zA-Z0-9_]+)\(\).*/$(basename "$1" _test.sh)\/\1/p" "$1"
}

asked_for() {
  local word
  [[ ${#FILTERS[@]} -gt 0 ]] || return 0
  for word in "${FILTERS[@]}"; do [[ $1 == *"$word"* ]] && return 0; done
  return 1
}

# run_one DIRECTORY FILE TOPIC/FUNCTION: runs it in a shell of its own, with its log and scratch place.
run_one() {
  local directory=$1 file=$2 name=$3 sentence="${3%%/*}: ${3#*/*_}" place started=$SECONDS
  place=$BUILD/test/$directory/${name//\//-}
  export SCRATCH=$place.scratch SOCLE_CONSOLE_LOG=$place.console SOCLE_ROOT
  mkdir -p "$SCRATCH"
  # shellcheck disable=SC2016 # the words are the new shell's
  if bash -c 'set -euo pipefail; source "$SOCLE_ROOT/test/$1/lib.sh"; source "$2"; "$3"' \
    test "$directory" "$file" "${name#*/}" >"$place.log" 2>&1 </dev/null; then
    printf 'ok    %s (%d s)\n' "${sentence//_/ }" $((SECONDS - started))
    count 1 0
  else
    printf 'FAIL  %s (%d s)\n' "${sentence//_/ }" $((SECONDS - started))
    tail -n 60 "$place.log" | sed 's/^/      /'
    count 0 1
    TOPICS_FAILED=yes
  fi
  rm -rf "$SCRATCH"
}

# run_topics DIRECTORY: the tests of test/DIRECTORY/*_test.sh that were asked for; lib.sh there is theirs.
run_topics() {
  local directory=$1 file name ran=no
  TOPICS_FAILED=no
  mkdir -p "$BUILD/test/$directory"
  for file in "test/$directory"/*_test.sh; do
    for name in $(names "$file"); do
      if asked_for "$name"; then
        run_one "$directory" "$file" "$name"
        ran=yes
      fi
    done
  done
  [[ $ran == yes ]] || { printf 'no test of this stage has a name with: %s\n' "${FILTERS[*]}"; return 1; }
  [[ $TOPICS_FAILED == no ]]
}

# --- running ------------------------------------------------------------------------------------

chosen() {
  local wanted
  [[ ${#WANTED[@]} -gt 0 ]] || return 0
  for wanted in "${WANTED[@]}"; do
    [[ ${wanted%%:*} == "$1" ]] && return 0
  done
  return 1
}

# filters_of NAME: the words after STAGE: that were asked for.
filters_of() {
  local wanted
  for wanted in "${WANTED[@]}"; do
    if [[ $wanted == "$1":?* ]]; then printf '%s\n' "${wanted#*:}"; fi
  done
}

run_stage() {
  local name=$1 file=$2 log="$BUILD/test/$1.log" started=$SECONDS status passed failed about
  chosen "$name" || return 0
  # shellcheck source=/dev/null disable=SC2154
  about=$(source "$file"; printf '%s' "$about")
  # shellcheck source=/dev/null disable=SC2154
  if [[ $QUICK == yes ]] && (source "$file"; [[ $slow == yes ]]); then return 0; fi
  STAGES_RUN=$((STAGES_RUN + 1))
  printf '\n== %s: %s\n' "$name" "$about"
  COUNTS=$BUILD/test/$name.counts
  : >"$COUNTS"
  set +e # in a condition, bash would ignore `set -e` inside the stage as well
  (
    set -e
    # shellcheck disable=SC2034 # read by the stage
    mapfile -t FILTERS < <(filters_of "$name")
    # shellcheck source=/dev/null
    source "$file"
    cd "$SOCLE_ROOT"
    stage
  ) </dev/null 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  set -e
  read -r passed failed < <(awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }' "$COUNTS")
  if [[ $status -ne 0 && $failed -eq 0 ]]; then failed=1; fi
  if [[ $status -eq 0 && $((passed + failed)) -eq 0 ]]; then passed=1; fi
  TOTAL_PASSED=$((TOTAL_PASSED + passed))
  TOTAL_FAILED=$((TOTAL_FAILED + failed))
  if [[ $failed -gt 0 ]]; then FAILED_STAGES+=("$name"); fi
  printf -- '-- %s: %d passed, %d failed, %d s\n' "$name" "$passed" "$failed" $((SECONDS - started))
}

check_stage_names() {
  local wanted names
  names=$(each_stage echo | cut -d ' ' -f 1)
  for wanted in "${WANTED[@]}"; do
    grep -qxF -- "${wanted%%:*}" <<<"$names" || misuse "there is no stage '${wanted%%:*}'" test
  done
}

test_main() {
  WANTED=() QUICK=no FULL=no TOTAL_PASSED=0 TOTAL_FAILED=0 STAGES_RUN=0 FAILED_STAGES=()
  while [[ $# -gt 0 ]]; do
    case $1 in
      --help | -h) test_help; return 0 ;;
      --list) each_stage list_stage; return 0 ;;
      --quick) QUICK=yes ;;
      --full) FULL=yes ;;
      --yes | -y) ASSUME_YES=yes ;;
      -*) misuse "test does not know '$1'" test ;;
      *) WANTED+=("$1") ;;
    esac
    shift
  done
  check_stage_names
  if [[ ${CI:-} == true ]]; then ASSUME_YES=yes; fi
  need_packages "./socle test --yes" "${TEST_PACKAGES[@]}"
  with_lock "$CACHE/lock" setup_all
  mkdir -p "$BUILD/test"
  export FULL QEMU
  each_stage run_stage
  if [[ ${#FAILED_STAGES[@]} -gt 0 ]]; then
    printf '\nfailed: %s (logs in build/test)\n' "${FAILED_STAGES[*]}"
  fi
  [[ $STAGES_RUN -gt 0 ]] || die "nothing was run"
  printf '\n%d passed, %d failed\n' "$TOTAL_PASSED" "$TOTAL_FAILED"
  [[ $TOTAL_FAILED -eq 0 ]]
}
