# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# mmio-fault=: a bare-metal guest (test/guests/mmio_fault.cc) touches the whole physical address space with every
# kind of access, page by page where devices are, and says what became of it; exact to the page. What it must
# get is written here by what QEMU's virt machine has where, not by what the planner thinks.

is_socle() { [[ $HYPERVISOR == socle ]] || { printf 'skipped: for Socle\n'; return 1; }; }

# guest NAME OPTIONS...: what it says.
guest() {
  local name=$1
  shift
  dom0 --kernel "$SOCLE_ROOT/build/el2-release/guests/$name.bin" "$@" | tr -d '\r' |
    grep -E '^(policy|bits|space|wrong|race|window|walk|pages|mapping|denied|dry|guest|done)'
}

# number NAME <WHAT THE GUEST SAYS
number() { sed -n "s/^$1 //p"; }

# The ranges of WHAT THE GUEST SAYS outside RAM (0x40000000, 2 GiB).
outside_ram() {
  local begin end what
  while read -r _ begin end what; do
    ((16#$end <= 0x40000000 || 16#$begin >= 0xc0000000)) && printf '%s %s %s\n' "$begin" "$end" "$what"
  done < <(grep '^space ')
  return 0
}
inside_ram() {
  local begin end what
  while read -r _ begin end what; do
    ((16#$end > 0x40000000 && 16#$begin < 0xc0000000)) && printf '%s %s %s\n' "$begin" "$end" "$what"
  done < <(grep '^space ')
  return 0
}

# On virt with a GICv3, two CPUs and 2 GiB: flash, GICD, what lies before the ITS, the ITS, two virtual redistributors,
# the physical ones and the console, RTC, fw_cfg, GPIO, virtio, PCI; where grants go; the large PCI windows.
MAPPED_ON_DEMAND='0 8000000 own
8000000 8010000 emulated
8010000 8080000 mapped
8080000 80a0000 denied
80a0000 80e0000 emulated
80e0000 9001000 denied
9001000 9010000 mapped
9010000 9011000 own
9011000 9020000 mapped
9020000 9021000 own
9021000 9030000 mapped
9030000 9031000 own
9031000 a000000 mapped
a000000 a004000 own
a004000 10000000 mapped
10000000 3f000000 own
3f000000 40000000 mapped
c0000000 10c0000000 denied
10c0000000 4010000000 mapped
4010000000 4020000000 own
4020000000 4040000000 denied
4040000000 8000000000 mapped
8000000000 10000000000 own
10000000000 100000000000 mapped'

# Without it, the neighbours of what is there are denied, too. One line for neighbours of one kind.
NOTHING_ON_DEMAND='0 8000000 own
8000000 8010000 emulated
8010000 80a0000 denied
80a0000 80e0000 emulated
80e0000 9010000 denied
9010000 9011000 own
9011000 9020000 denied
9020000 9021000 own
9021000 9030000 denied
9030000 9031000 own
9031000 a000000 denied
a000000 a004000 own
a004000 10000000 denied
10000000 3f000000 own
3f000000 40000000 denied
c0000000 4010000000 denied
4010000000 4020000000 own
4020000000 8000000000 denied
8000000000 10000000000 own
10000000000 100000000000 denied'

# expect_space EXPECTED WHAT-THE-GUEST-SAYS
expect_space() {
  diff <(printf '%s\n' "$1") <(outside_ram <<<"$2") || fail "another space"
  ! grep '^wrong ' <<<"$2" || fail "something that must not be"
  # RAM is its own, or denied: nobody's memory is ever mapped.
  inside_ram <<<"$2" | grep -E 'mapped|emulated' && fail "RAM was mapped on demand"
  inside_ram <<<"$2" | grep denied >/dev/null || fail "Socle's memory was not seen"
  [[ $(tail -n 1 <<<"$2") == "done" ]] || fail "the guest did not end"
}

test_what_is_permitted_is_mapped_and_nothing_else() {
  local said
  is_socle || return 0
  said=$(guest mmio_fault --hv-append mmio-fault=map)
  [[ $(number policy <<<"$said") == 2 ]] || fail "another policy"
  expect_space "$MAPPED_ON_DEMAND" "$said"
  # Two CPUs on the same pages: each page is mapped once.
  [[ $(number race-mapped <<<"$said") == 200 ]] || fail "a page of the race is missing"
  [[ $(number race-recorded <<<"$said") == 200 ]] || fail "a page of the race is on record twice"
  # 256 MiB, page by page: at most one trap for 2 MiB.
  (($(number window-traps <<<"$said") <= 128)) || fail "too many traps"
  (($(number mapping-faults <<<"$said") > 0)) || fail "nothing is on record"
  # A pointer through tables where nothing answers is a bad address.
  equal '14 14' "$(number walk-refused <<<"$said" | paste -sd ' ')" "answers to pointers through nothing"
}

full_ram_of_others_stays_out_of_reach() {
  local said
  is_socle || return 0
  said=$(guest mmio_fault --hv-append mmio-fault=map --dom0-mem 512M --cpu max)
  ! grep '^wrong ' <<<"$said" || fail "something that must not be"
  inside_ram <<<"$said" | grep -E 'mapped|emulated' && fail "RAM was mapped on demand"
  [[ $(tail -n 1 <<<"$said") == "done" ]] || fail "the guest did not end"
}

test_denied_is_the_default_and_leaves_no_record() {
  local said
  is_socle || return 0
  said=$(guest mmio_fault)
  [[ $(number policy <<<"$said") == 0 ]] || fail "another policy"
  expect_space "$NOTHING_ON_DEMAND" "$said"
  [[ $(number mapping-faults <<<"$said") == 0 ]] || fail "something was mapped"
  [[ $(number denied-faults <<<"$said") == 0 ]] || fail "something was recorded"
}

full_log_denies_and_records() {
  local said
  is_socle || return 0
  said=$(guest mmio_fault --hv-append mmio-fault=log)
  [[ $(number policy <<<"$said") == 1 ]] || fail "another policy"
  expect_space "$NOTHING_ON_DEMAND" "$said"
  [[ $(number mapping-faults <<<"$said") == 0 ]] || fail "something was mapped"
  (($(number denied-faults <<<"$said") > 0)) || fail "nothing was recorded"
}

test_without_tables_an_access_aborts_and_the_rest_goes_on() {
  local said
  is_socle || return 0
  said=$(guest mmio_dry --hv-append mmio-fault=map)
  (($(number dry-pages <<<"$said") > 100)) || fail "no table was used"
  [[ $(number dry-error <<<"$said") == 12 ]] || fail "another error than ENOMEM"
  [[ $(number dry-far <<<"$said") == denied ]] || fail "mapped without a table"
  [[ $(number dry-near <<<"$said") == mapped ]] || fail "not mapped although it needs no table"
  [[ $(tail -n 1 <<<"$said") == "done" ]] || fail "the guest did not end"
}

# Memory that no tree and no table names stands for a device: QEMU puts a virtio-mem device's where it is told.
UNNAMED=(--qemu-arg -m --qemu-arg '2G,maxmem=140G'
  --qemu-arg -object --qemu-arg 'memory-backend-ram,id=unnamed,size=2M'
  --qemu-arg -device --qemu-arg 'virtio-mem-pci,memdev=unnamed,requested-size=2M,memaddr=0x2000000000')

# linux_touches OPTIONS...: writes and reads it, then an address of nothing, and Socle's console.
linux_touches() {
  dom0 "${UNNAMED[@]}" "$@" -- \
    '(devmem 0x2000000000 32 0x12345678; devmem 0x2000000000 32; devmem 0x30000000000 32; devmem 0x9000000 32) 2>&1
    cat /sys/hypervisor/type'
}

test_linux_reaches_what_no_tree_names() {
  local said
  is_socle || return 0
  said=$(linux_touches --hv-append mmio-fault=map | tr -d '\r')
  printf '%s\n' "$said"
  grep -q '^0x12345678' <<<"$said" || fail "what was written was not read"
  [[ $(grep -c 'Bus error' <<<"$said") == 2 ]] || fail "other aborts"
  [[ $(tail -n 1 <<<"$said") == xen ]] || fail "dom0 did not go on"
  said=$(linux_touches | tr -d '\r')
  [[ $(grep -c 'Bus error' <<<"$said") == 4 ]] || fail "no abort by default"
}

test_a_key_lists_what_was_mapped_and_what_was_denied() {
  is_socle || return 0
  talk "${UNNAMED[@]}" --hv-append mmio-fault=map <<'DIALOGUE' || fail "no list"
expect poweroff ends it
expect # 
send devmem 0x2000000000 32; devmem 0x9000000 32
expect read of 0x9000000 /pl011@9000000
expect Bus error
key ^A
key ^A
key ^A
key ^A
key ^A
key ^A
expect keyboard goes to Socle
key f
expect MMIO mapped on 1 faults, 0 not on record
expect 0x2000000000
expect MMIO denied on 1 faults, 0 not on record
expect 0x9000000
key ^A
key ^A
key ^A
key ^A
key ^A
key ^A
expect keyboard goes to the hardware domain
send poweroff
end 0
DIALOGUE
}
