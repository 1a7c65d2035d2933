# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the whole-system tests use. A topic is a file *_test.sh beside this one; its tests are the
# functions test_SENTENCE (always run) and full_SENTENCE (with ./socle test --full). A test fails when
# a command in it fails. SOCLE_TEST_HYPERVISOR=xen runs the same tests against Debian's Xen.

HYPERVISOR=${SOCLE_TEST_HYPERVISOR:-socle}
TIMEOUT=${SOCLE_TEST_TIMEOUT:-120} # seconds for one machine, boot and command

fail() { printf 'FAILED: %s\n' "$*"; exit 1; }

# dom0 [OPTIONS] -- CMD...: what CMD prints in dom0.
dom0() { "$SOCLE_ROOT/socle" run --hypervisor "$HYPERVISOR" --timeout "$TIMEOUT" "$@" </dev/null; }

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

# talk [RUN OPTIONS] <DIALOGUE: an interactive session on a terminal; see talk.py.
talk() {
  python3 "$SOCLE_ROOT/test/qemu/talk.py" --timeout "$TIMEOUT" -- \
    "$SOCLE_ROOT/socle" run --hypervisor "$HYPERVISOR" --timeout $((TIMEOUT + 10)) "$@"
}

# scratch NAME SIZE: an empty file of this test's own, sparse.
scratch() {
  rm -f "$SCRATCH/$1"
  truncate -s "$2" "$SCRATCH/$1"
  printf '%s\n' "$SCRATCH/$1"
}
