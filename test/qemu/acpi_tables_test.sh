# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Firmware's tables are damaged (test/efi/damage.cc, started before Socle): what Socle says, and what follows. Where Linux
# alone goes on, dom0 does; with --full that is compared.

# damaged IMAGE DAMAGE [COMMAND]: what dom0 (or Linux alone) says of itself at its shell. DAMAGE: verbs of damage.efi, with
# semicolons between them.
damaged() {
  local booted=$1 verb verbs first=()
  IFS=';' read -r -a verbs <<<"$2"
  for verb in "${verbs[@]}"; do
    verb=${verb# }
    first+=(--uefi-first "$SOCLE_ROOT/build/el2-release/efi/damage.efi $verb")
  done
  IMAGE=$booted TIMEOUT=180 dom0 --yes --acpi --no-network "${first[@]}" -- "${3:-cat /sys/hypervisor/type; nproc}" |
    tr '\n' ' '
}

# said REGEX: a line of the console.
said() { contains "$(tr -d '\r' <"$SOCLE_CONSOLE_LOG")" "$1"; }

# boots DAMAGE REGEX...: Socle says so, dom0 gets to its shell, and so does Linux alone.
boots() {
  local damage=$1 regex
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  equal "xen 2 " "$(damaged "$IMAGE" "$damage")" "dom0 after: $damage"
  said '^damage: done'
  for regex in "${@:2}"; do said "^\(SOCLE\) .*$regex"; done
  if [[ $FULL == yes ]]; then equal "2 " "$(damaged none "$damage")" "Linux alone after: $damage"; fi
}

# stops DAMAGE REGEX...: Socle says so and that it cannot go on.
stops() {
  local damage=$1 regex
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  equal 125 "$(status_of damaged "$IMAGE" "$damage")" "status after: $damage"
  said '^damage: done'
  for regex in "${@:2}" 'cannot go on'; do said "^\(SOCLE\) .*$regex"; done
}

test_a_wrong_checksum_is_said() {
  boots 'checksum APIC' 'APIC at 0x[0-9a-f]+: the checksum is wrong, used all the same'
}
test_without_cpus_nothing_goes_on() {
  stops 'drop APIC' 'APIC: there is none: no CPUs, no GIC'
}

# Linux reads them while it boots: where it may not, it panics.
test_records_of_errors_are_read_where_firmware_set_memory_aside() {
  [[ $HYPERVISOR == socle ]] || return 0
  local read
  read=$(damaged "$IMAGE" 'errors 0' 'dmesg | grep -c -E "BERT: Error records|Hardware error from APEI"')
  equal '2 ' "$read" 'records of errors in EfiReservedMemoryType'
}
test_tables_of_errors_in_runtime_memory_are_kept_from_dom0() {
  [[ $HYPERVISOR == socle ]] || return 0
  equal '0 ' "$(damaged "$IMAGE" 'errors 6' 'ls /sys/firmware/acpi/tables | grep -c BERT')" 'BERT of dom0'
  said "^\\(SOCLE\\) .*BERT: .*memory of firmware's own"
}
test_a_port_that_socle_cannot_drive_is_dom0s() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  # SPCR says 16550; what the DSDT says of the port stays true, so dom0's own driver fits.
  equal xen "$(TIMEOUT=180 dom0 --yes --acpi --no-network --append console=ttyAMA0 --uefi-first \
    "$SOCLE_ROOT/build/el2-release/efi/damage.efi set SPCR 36 12" -- cat /sys/hypervisor/type)" "dom0 on its own port"
  said 'console \[ttyAMA0\] enabled'
  equal 0 "$(grep -c '^(SOCLE)' "$SOCLE_CONSOLE_LOG" || true)" "lines of Socle's"
}
