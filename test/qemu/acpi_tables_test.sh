# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Firmware's tables are damaged (test/efi/damage.cc, started before Socle): what Socle says, and what follows. Where Linux
# alone goes on, dom0 does; with --full that is compared.

# damaged IMAGE DAMAGE [RUN OPTIONS]: what dom0 (or Linux alone) says of itself at its shell. DAMAGE: verbs of
# damage.efi, with semicolons between them. COMMAND: what is asked there instead.
damaged() {
  local booted=$1 verb verbs first=()
  IFS=';' read -r -a verbs <<<"$2"
  for verb in "${verbs[@]}"; do
    verb=${verb# }
    first+=(--uefi-first "$SOCLE_ROOT/build/el2-release/efi/damage.efi $verb")
  done
  IMAGE=$booted TIMEOUT=${LIMIT:-180} dom0 --yes --acpi --no-network "${first[@]}" "${@:3}" -- "${COMMAND:-cat /sys/hypervisor/type 2>/dev/null; nproc}" |
    tr '\n' ' '
}

console() { tr -d '\r' <"$SOCLE_CONSOLE_LOG"; }

# is_damaged DAMAGE: every verb was done.
is_damaged() {
  local semicolons=${1//[^;]/}
  equal $((${#semicolons} + 1)) "$(console | grep -c '^damage: done')" "verbs done of: $1"
}

# boots CPUS DAMAGE REGEX...: Socle says so, dom0 gets to its shell, and with --full so does Linux alone.
boots() {
  local cpus=$1 damage=$2 regex
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  equal "xen $cpus " "$(damaged "$IMAGE" "$damage")" "dom0 after: $damage"
  is_damaged "$damage"
  for regex in "${@:3}"; do contains "$(console)" "^\(SOCLE\) .*$regex"; done
  if [[ $FULL == yes && -z ${LINUX_DIES:-} ]]; then
    contains "$(damaged none "$damage")" '^[12] $'
  fi
}

# stops DAMAGE REGEX...: Socle says so and that it cannot go on.
stops() {
  local damage=$1 regex
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  equal 125 "$(status_of damaged "$IMAGE" "$damage")" "status after: $damage"
  is_damaged "$damage"
  for regex in "${@:2}" 'cannot go on'; do contains "$(console)" "^\(SOCLE\) .*$regex"; done
}

# refuses DAMAGE REGEX: Socle says so on firmware's console, and firmware goes on.
refuses() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  equal 125 "$(status_of damaged "$IMAGE" "$1")" "status after: $1"
  is_damaged "$1"
  contains "$(console)" "^Socle: $2"
  contains "$(console)" '^not started: '
}

USED='used all the same'

# --- RSDP and XSDT ---

full_an_rsdp_with_wrong_sums() { boots 2 'checksum RSDP' "RSDP at 0x[0-9a-f]+: the checksum is wrong, $USED"; }
full_an_rsdp_of_no_length() { boots 2 'length RSDP 0' "RSDP at 0x[0-9a-f]+: its length is 0, $USED"; }
full_an_rsdp_of_any_length() { boots 2 'length RSDP 0xffffffff' "RSDP at 0x[0-9a-f]+: its length is 4294967295, $USED"; }
test_no_rsdp_is_refused_while_firmware_is_there() {
  refuses 'publish acpi20 nothing' 'no device tree, no ACPI: nothing describes this machine'
}
full_an_rsdp_by_the_name_of_acpi_1_0() { boots 2 'publish acpi10 RSDP; publish acpi20 nothing'; }
full_an_rsdp_by_both_names() { boots 2 'publish acpi10 RSDP'; }
full_an_rsdp_in_free_memory() { refuses 'publish acpi20 0x60000000' 'RSDP: there is none at 0x60000000'; }
full_an_rsdp_beyond_memory() { refuses 'publish acpi20 0x800000000000' 'RSDP: there is none at 0x800000000000'; }
full_an_rsdp_without_a_root() { refuses 'set RSDP 24 0000000000000000' 'RSDT: there is none at 0x0'; }
full_an_xsdt_of_no_length() { refuses 'length XSDT 0' 'XSDT: there is none at'; }
full_an_xsdt_of_any_length() { refuses 'length XSDT 0xffffffff' 'XSDT: there is none at'; }
full_an_xsdt_with_a_wrong_sum() { boots 2 'checksum XSDT' "XSDT at 0x[0-9a-f]+: the checksum is wrong, $USED"; }
full_an_xsdt_that_names_itself() { boots 2 'append 0; entry 8 XSDT' 'XSDT: names itself, ignored'; }
full_an_xsdt_that_names_a_table_twice() { boots 2 'append APIC' 'XSDT: APIC at 0x[0-9a-f]+ is named twice'; }
full_an_xsdt_with_half_an_entry_and_an_empty_one() { boots 2 'append 0; append 0; length XSDT -4'; }
test_entries_that_lead_nowhere() {
  # Linux maps what an entry names, memory or not, and dies of the abort.
  LINUX_DIES=yes boots 2 'append 0x800000000000; append 0xffffffffffffffff; append DSDT+3; append 0x9000000' \
    'XSDT: the table at 0x800000000000 cannot be read' 'XSDT: the table at 0xffffffffffffffff cannot be read' \
    'XSDT: what is at 0x[0-9a-f]+ has no signature' 'XSDT: the table at 0x9000000 cannot be read'
}
full_a_table_in_a_table() { boots 2 'append APIC+44' 'XSDT: what is at 0x[0-9a-f]+ has no signature of a table, ignored'; }
full_tables_that_overlap() { boots 2 'length APIC +0x200' 'overlaps APIC at'; }
full_a_table_over_another() {
  boots 2 'set DSDT 16 5041524e30000000; append DSDT+16' 'overlaps PARN at'
}

# --- MADT ---

test_wrong_sums_everywhere() {
  local table spoilt=() said=()
  for table in FACP APIC PPTT GTDT MCFG SPCR DBG2 IORT DSDT; do
    spoilt+=("checksum $table") said+=("$table at 0x[0-9a-f]+: the checksum is wrong, $USED")
  done
  boots 2 "$(IFS=';'; printf '%s' "${spoilt[*]}")" "${said[@]}"
}
full_no_madt() { stops 'drop APIC' 'APIC: there is none: no CPUs, no GIC'; }
full_a_madt_of_no_length() { stops 'length APIC 0' 'APIC at 0x[0-9a-f]+: a length of 0 is shorter than its header'; }
full_a_madt_of_any_length() { stops 'length APIC 0xffffffff' 'APIC at 0x[0-9a-f]+: a length of 4294967295 is more than can be read'; }
test_a_madt_that_loops_at_its_first_structure() {
  stops 'set APIC 45 00' 'APIC: the structure at 0x2c has length 0, the rest is lost' 'APIC: no distributor'
}
full_a_madt_that_loops_before_the_redistributors() {
  stops 'set APIC 229 00' 'APIC: the structure at 0xe4 has length 0, the rest is lost' 'gic: firmware names no redistributors'
}
full_a_madt_without_its_last_structure() { boots 2 'length APIC -8' 'APIC: the structure at 0xf4 has length 20, the rest is lost'; }
full_a_madt_that_is_cut_off_in_a_cpu() { stops 'length APIC 150' 'APIC: the structure at 0x94 has length 80, the rest is lost'; }
full_a_madt_with_a_distributor_nowhere() { stops 'set APIC 52 0000000000000000' 'APIC: a distributor at 0x0 cannot be'; }
full_a_madt_with_a_distributor_in_ram() { stops 'set APIC 52 0000006000000000' 'gic: no GICv3 distributor at 0x60000000'; }
full_a_madt_with_redistributors_in_ram() { stops 'set APIC 232 0000006000000000' 'gic: redistributors at 0x60000000: no redistributor there'; }
full_a_madt_with_redistributors_of_4_gib() {
  boots 2 'set APIC 240 ffffffff' 'APIC: redistributors in 4294967295 bytes at 0x80a0000: only 0x40000 of them are used'
}
full_a_madt_that_names_a_cpu_twice() { boots 1 'set APIC 216 0000000000000000' 'APIC: CPU 0x0 .UID 1. is impossible or named twice, ignored'; }
full_a_madt_in_which_the_cpu_that_runs_is_off() { boots 2 'set APIC 80 00000000' "APIC: CPU 0x0 .UID 0. runs, but is not enabled: $USED"; }
full_a_madt_without_the_cpu_that_runs() { boots 2 'set APIC 136 5500000000000000' "APIC: none of the CPUs is the one that runs .0x0.: $USED"; }

# --- FADT and DSDT ---

full_no_fadt() { stops 'drop FACP' 'FACP: there is none: no ACPI for Arm'; }
full_a_fadt_for_other_machines() { stops 'set FACP 112 00000000' 'FACP: not hardware-reduced: not for Arm'; }
full_a_fadt_that_is_too_old() { stops 'set FACP 8 04; set FACP 129 0000' 'FACP: revision 4.3 is older than 5.1'; }
full_a_fadt_that_is_cut_off_before_the_dsdt() { boots 2 'length FACP 140'; }
full_a_fadt_that_is_cut_off_before_its_flags() {
  boots 1 'length FACP 100' 'FACP: 100 bytes are too few for its flags' 'firmware names no PSCI: one CPU'
}
full_a_fadt_without_psci() { boots 1 'set FACP 129 0000' 'firmware names no PSCI: one CPU'; }
full_a_fadt_with_psci_by_hvc() { boots 1 'set FACP 129 0300' 'PSCI by HVC cannot be called from EL2'; }
# Linux alone gets as far, but has no console then: AML names the UART.
full_a_fadt_that_names_itself_as_dsdt() { LINUX_DIES=yes boots 2 'point FACP 140 FACP' 'FACP: FACP at 0x[0-9a-f]+ is named twice'; }
full_a_dsdt_of_no_length() { LINUX_DIES=yes boots 2 'length DSDT 0' 'DSDT at 0x[0-9a-f]+: a length of 0 is shorter than its header'; }
full_a_dsdt_that_is_cut_off() { LINUX_DIES=yes boots 2 'length DSDT 100'; }
full_a_dsdt_of_noise() { boots 2 'set DSDT 36 ffffffff'; }

# --- GTDT ---

full_no_gtdt() { stops 'drop GTDT' 'GTDT: there is none: no timers'; }
full_a_gtdt_that_is_cut_off() { boots 2 'length GTDT 44' 'GTDT: no PPI of its own for the virtual timer: taken for 27'; }
full_a_gtdt_without_the_virtual_timer() { boots 2 'set GTDT 64 00000000' 'GTDT: no PPI of its own for the virtual timer: taken for 27'; }
full_a_gtdt_whose_virtual_timer_is_an_spi() { boots 2 'set GTDT 64 28000000' 'GTDT: no PPI of its own for the virtual timer: taken for 27'; }
full_a_gtdt_with_one_interrupt_for_two_timers() { boots 2 'set GTDT 64 1e000000' 'GTDT: no PPI of its own for the virtual timer: taken for 27'; }
full_a_gtdt_with_other_tables_as_platform_timers() {
  boots 2 'set GTDT 88 0200000068000000; length GTDT +0x60' 'GTDT: the structure at 0x68 has length [0-9]+, the rest is lost'
}

# --- MCFG, SPCR, DBG2, IORT, PPTT ---

full_no_mcfg() { boots 2 'drop MCFG'; }
full_an_mcfg_with_half_an_entry() { boots 2 'length MCFG 52' 'MCFG: 52 bytes are too few for an entry'; }
full_an_mcfg_with_its_buses_reversed() { boots 2 'set MCFG 54 ff00' 'MCFG: entry 0 is a range that cannot be, ignored'; }
full_an_mcfg_beyond_the_address_space() { boots 2 'set MCFG 44 00000000000000ff' 'MCFG.0.: .*lies beyond the CPUs. 44 address bits'; }
full_an_mcfg_over_the_interrupt_controller() { boots 2 'set MCFG 44 0000000800000000' 'MCFG.0.: .* meets a device that Socle keeps'; }
full_no_spcr() { boots 2 'drop SPCR'; }
full_an_spcr_that_is_cut_off() { boots 2 'length SPCR 40' 'SPCR: too short with 40 bytes, ignored'; }
test_an_spcr_in_ram() { boots 2 'set SPCR 44 0000006000000000' 'SPCR: \[0x60000000, 0x60001000\) is memory, no serial port'; }
full_an_spcr_where_nothing_is() {
  LINUX_DIES=yes boots 2 'set SPCR 44 0000800b00000000' 'SPCR: nothing answers at \[0xb800000, 0xb801000\), ignored'
}
full_neither_spcr_nor_dbg2_and_dom0_works_without_a_console() {
  local disk
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  disk=$(scratch no-console 1M)
  IMAGE=$IMAGE TIMEOUT=180 status_of dom0 --yes --acpi --nvme "$disk" \
    --uefi-first "$SOCLE_ROOT/build/el2-release/efi/damage.efi drop SPCR" \
    --uefi-first "$SOCLE_ROOT/build/el2-release/efi/damage.efi drop DBG2" -- 'echo written >/dev/nvme0n1; sync'
  equal written "$(head -c 7 "$disk")" "what the disk holds"
}
test_a_port_that_socle_cannot_drive_is_dom0s() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  # SPCR says 16550; what the DSDT says of the port stays true, so dom0's own driver fits.
  equal xen "$(TIMEOUT=180 dom0 --yes --acpi --no-network --append console=ttyAMA0 --uefi-first \
    "$SOCLE_ROOT/build/el2-release/efi/damage.efi set SPCR 36 12" -- cat /sys/hypervisor/type)" "dom0 on its own port"
  contains "$(console)" 'console \[ttyAMA0\] enabled'
  equal 0 "$(grep -c '^(SOCLE)' "$SOCLE_CONSOLE_LOG" || true)" "lines of Socle's"
}
full_a_dbg2_that_loops() { boots 2 'set DBG2 45 0000' 'DBG2: the structure at 0x2c has length 0, the rest is lost'; }
full_no_iort() { boots 2 'drop IORT'; }
full_an_iort_of_no_length() { boots 2 'length IORT 0' 'IORT at 0x[0-9a-f]+: a length of 0 is shorter than its header'; }
full_an_iort_of_any_length() { boots 2 'length IORT 0xffffffff' 'IORT at 0x[0-9a-f]+: a length of 4294967295 is more than can be read'; }
full_an_iort_that_is_too_long() { boots 2 'length IORT +8'; }
full_an_iort_that_is_cut_off() { boots 2 'length IORT 110' 'IORT: the structure at 0x48 has length 56, the rest is lost'; }
test_an_iort_that_loops_and_leads_to_itself() {
  LINUX_DIES=yes boots 2 'set IORT 36 ffffffff; set IORT 120 48000000; set IORT 80 ffffffff' \
    'IORT: has 4294967293 structures less than it says' 'IORT: the node at 0x48 has room for 1 of its 4294967295 ID mappings' \
    'IORT: the node at 0x48: ID mapping 0 leads to 0x48, where no other node is'
}
full_an_iort_with_a_node_of_no_length() { boots 2 'set IORT 49 0000' 'IORT: the structure at 0x30 has length 0, the rest is lost'; }
full_a_pptt_that_loops() { boots 2 'set PPTT 37 00'; }
full_two_madts() { boots 2 'set MCFG 0 41504943' 'APIC at 0x[0-9a-f]+: not the first, not read'; }

# --- tables in other memory ---

test_all_in_memory_of_boot_services() {
  # UEFI allows it for the RSDP; Linux alone writes over some of the tables.
  LINUX_DIES=yes boots 2 'move APIC 4; move GTDT 4; move FACP 4; move DSDT 4; move SPCR 3; move IORT 2; move XSDT 4; move RSDP 4'
}
full_a_table_in_reserved_memory() { boots 2 'move APIC 0'; }
full_a_dsdt_in_reserved_memory() { boots 2 'move DSDT 0'; }

# --- a tree, tables, and which of them counts ---

# described OPTION...: what dom0 is described by.
described() {
  dom0 --yes --no-network "$@" -- 'ls /sys/firmware | grep -E -x "acpi|devicetree"' | tr '\n' ' '
}
# QEMU's own tree still lies where RAM begins.
BOTH=(--acpi --uefi-first "$SOCLE_ROOT/build/el2-release/efi/damage.efi publish tree 0x40000000")

full_a_tree_beside_tables_counts() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  equal "devicetree " "$(described "${BOTH[@]}")" "with both"
  equal "devicetree " "$(described "${BOTH[@]}" --hv-append acpi=on)" "with both, acpi=on"
  equal "devicetree " "$(described "${BOTH[@]}" --hv-append acpi=off)" "with both, acpi=off"
}
full_tables_beside_a_tree_can_be_forced() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  equal "acpi devicetree " "$(described "${BOTH[@]}" --hv-append acpi=force)" "with both, acpi=force"
  contains "$(console)" '^.SOCLE. .*ACPI: 9 tables'
}
full_acpi_off_without_a_tree_is_ignored() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  equal "acpi devicetree " "$(described --acpi --hv-append acpi=off)" "with tables, acpi=off"
  contains "$(console)" '^.SOCLE. .*acpi=off: no tree describes this machine, ignored'
}
full_acpi_force_without_acpi_is_ignored() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  equal "devicetree " "$(described --uefi --hv-append acpi=force)" "with a tree, acpi=force"
  contains "$(console)" '^.SOCLE. .*acpi=force: firmware has no ACPI, ignored'
}
# UEFI's own tables: the system table's sum is made right again when boot services end.
full_wrong_sums_of_uefis_tables() {
  boots 2 'crc system; crc runtime' 'EFI runtime services: a checksum of firmware: corrupt'
}
# A tree beside the tables: the file has the name of a command of firmware's shell, so it gets to the partition and does
# nothing there. The tree's port is another than SPCR's.
test_with_force_the_tables_count_and_the_trees_port_is_hidden() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  "$QEMU" -M virt,gic-version=3,virtualization=on,dumpdtb="$SCRATCH/echo" -cpu cortex-a57 -smp 2 -m 2G \
    -display none >&2
  equal '1 UART device @0x0000000009000000 in SPCR ' "$(TIMEOUT=180 dom0 --yes --acpi --no-network \
    --hv-append $'acpi=force\ndtb=echo' --uefi-first "$SCRATCH/echo" \
    --uefi-first "$SOCLE_ROOT/build/el2-release/efi/damage.efi set SPCR 44 00000409" -- \
    'ls /sys/firmware/acpi/tables | grep -c STAO; dmesg | grep -o "UART device .* in SPCR"' | tr '\n' ' ')" 'dom0'
  contains "$(console)" 'console at \[0x9000000, .* by /chosen/stdout-path'
}

# --- records of errors ---

# Linux reads them while it boots, and where it may not, it panics.
test_records_of_errors_are_read_where_firmware_set_memory_aside() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  local COMMAND='dmesg | grep -c -E "BERT: Error records|Hardware error from APEI"'
  equal '2 ' "$(damaged "$IMAGE" 'errors 0')" 'records of errors in EfiReservedMemoryType'
}
full_tables_of_errors_in_runtime_memory_are_kept_from_dom0() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  local COMMAND='ls /sys/firmware/acpi/tables | grep -c BERT'
  equal '0 ' "$(damaged "$IMAGE" 'errors 6')" 'BERT of dom0'
  contains "$(console)" "^.SOCLE. .*BERT: .*memory of firmware's own"
}
