# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the whole-system tests use. SOCLE_TEST_HYPERVISOR=xen runs the same tests on Debian's Xen.

# shellcheck source=test/lib.sh
source "$SOCLE_ROOT/test/lib.sh"

HYPERVISOR=${SOCLE_TEST_HYPERVISOR:-socle}
IMAGE=$HYPERVISOR # what is booted: for Socle, the image that the stage built and set aside
if [[ $HYPERVISOR == socle ]]; then IMAGE=$SOCLE_ROOT/build/test/el2-release.bin; fi
TIMEOUT=${SOCLE_TEST_TIMEOUT:-120} # seconds for one machine, boot and command

# dom0 [OPTIONS] -- CMD...: what CMD prints in dom0.
dom0() { "$SOCLE_ROOT/socle" run --hypervisor "$IMAGE" --timeout "$TIMEOUT" "$@" </dev/null; }

# talk [RUN OPTIONS] <DIALOGUE: an interactive session on a terminal; see talk.py.
talk() {
  python3 "$SOCLE_ROOT/test/qemu/talk.py" --timeout "$TIMEOUT" -- \
    "$SOCLE_ROOT/socle" run --hypervisor "$IMAGE" --timeout $((TIMEOUT + 10)) "$@"
}

# scratch NAME SIZE: an empty file of this test's own, sparse.
scratch() {
  rm -f "$SCRATCH/$1"
  truncate -s "$2" "$SCRATCH/$1"
  printf '%s\n' "$SCRATCH/$1"
}
