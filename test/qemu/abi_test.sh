# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The hypercall ABI, corner by corner: a bare-metal guest asks, and the answers are held against those
# that Debian's Xen gave (abi_probe.xen), except for the differences that abi_probe.socle states.

probe_answers() {
  dom0 --cpus 2 --memory 2G --dom0-mem 1G --kernel "$SOCLE_ROOT/build/el2-release/guests/abi_probe.bin" |
    tr -d '\r' | sed -n 's/^probe \(.*[^ ]\)$/\1/p'
}

# expected_answers: abi_probe.xen with the lines of abi_probe.socle in place of those they are about.
expected_answers() {
  local differences=$SOCLE_ROOT/test/qemu/abi_probe.socle
  if [[ $HYPERVISOR != socle ]]; then differences=/dev/null; fi
  awk -F ' = ' '
    /^#/ { next }
    FILENAME == ARGV[1] { other[$1] = $0; next }
    $1 in other { print other[$1]; next }
    { print }' "$differences" "$SOCLE_ROOT/test/qemu/abi_probe.xen"
}

test_every_answer_is_xens_or_a_stated_difference() {
  local answers
  answers=$(probe_answers)
  diff <(expected_answers) <(printf '%s\n' "$answers") || fail "answers differ"
  [[ $(wc -l <<<"$answers") -gt 700 ]] || fail "few answers"
}
