# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Expectations of the tests written in bash. A test is a function test_SENTENCE of a *_test.sh file
# (full_SENTENCE: only with ./socle test --full); it fails when a command in it fails.

fail() { printf 'FAILED: %s\n' "$*"; exit 1; }

# equal EXPECTED ACTUAL WHAT
equal() { [[ $1 == "$2" ]] || fail "$3: expected '$1', got '$2'"; }

# contains TEXT REGEX
contains() { grep -qE -- "$2" <<<"$1" || fail "no line matches '$2' in: $1"; }

# status_of COMMAND...: prints its exit status; its output goes to the log.
status_of() {
  local status=0
  "$@" >&2 || status=$?
  printf '%d\n' "$status"
}
