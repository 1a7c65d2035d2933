# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Debian's Linux as the hardware domain: it starts, and takes the hypervisor for Xen.

test_a_shell_is_reached_and_linux_sees_xen() {
  equal xen "$(dom0 -- cat /sys/hypervisor/type)" /sys/hypervisor/type
}

test_linux_finds_xen_fifo_events_and_grant_tables() {
  local log
  log=$(dom0 -- dmesg)
  contains "$log" 'Xen [0-9]+\.[0-9]+ support found'
  contains "$log" 'Using FIFO-based ABI'
  contains "$log" 'Grant table initialized'
  contains "$log" 'printk: console \[hvc0\] enabled'
  ! grep -E 'WARNING:|BUG:|Oops|Internal error|hung task|rcu.*stall' <<<"$log" || fail "dmesg complains"
}

test_dom0_is_the_initial_domain() {
  contains "$(dom0 -- cat /proc/xen/capabilities)" control_d
}

test_true_and_false_return_0_and_1() {
  equal 0 "$(status_of dom0 -- true)" "status of true"
  equal 1 "$(status_of dom0 -- false)" "status of false"
}

test_kernel_6_12_boots() {
  contains "$(dom0 --kernel 6.12 -- 'uname -r; cat /sys/hypervisor/type')" '^6\.12\.'
}

test_the_debug_build_boots() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  equal xen "$(dom0 --hypervisor "$SOCLE_ROOT/build/test/el2-debug.bin" -- cat /sys/hypervisor/type)" /sys/hypervisor/type
}

test_the_front_door_builds_and_boots_what_is_in_the_tree() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  equal xen "$("$SOCLE_ROOT/socle" run --timeout "$TIMEOUT" -- cat /sys/hypervisor/type </dev/null)" /sys/hypervisor/type
}
