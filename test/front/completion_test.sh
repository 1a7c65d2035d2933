# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The completion offers the commands and their options.

# completed WORD...: what is offered for the last of these words of a command line.
completed() {
  (
    # shellcheck source=tools/completions/socle.bash
    source "$SOCLE_ROOT/tools/completions/socle.bash"
    COMP_WORDS=("$@")
    # shellcheck disable=SC2034 # read by the completion
    COMP_CWORD=$(($# - 1))
    _socle "$1" "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
    printf '%s\n' "${COMPREPLY[*]}"
  )
}

test_commands_are_completed() {
  equal "plan" "$(completed "$SOCLE_ROOT/socle" pl)" "pl"
  contains "$(completed "$SOCLE_ROOT/socle" '')" 'run.*test.*plan.*setup'
}

test_options_are_those_of_the_help() {
  equal "--json" "$(completed "$SOCLE_ROOT/socle" plan --js)" "plan --js"
  contains "$(completed "$SOCLE_ROOT/socle" plan --)" '--check.*--cmdline.*--diff.*--help.*--html'
  equal "--timeout" "$(completed "$SOCLE_ROOT/socle" run --ti)" "run --ti"
  equal "el2-debug" "$(completed "$SOCLE_ROOT/socle" run --preset el2-d)" "run --preset el2-d"
}

test_files_are_completed_where_files_are_meant() {
  : >"$SCRATCH/board.dtb"
  equal "$SCRATCH/board.dtb" "$(completed "$SOCLE_ROOT/socle" plan "$SCRATCH/boa")" "a tree"
}
