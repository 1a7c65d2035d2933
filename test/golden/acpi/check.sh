#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `socle plan` says about ACPI tables: each NAME.acpidump here has its NAME.plan. With a machine's memory map
# as Linux's log tells it (NAME.log) the plan is NAME.log.plan; NAME.iomem.diff and NAME.memmap.diff are what
# differs from that with what /proc/iomem and UEFI's shell tell.
# Usage: check.sh PROGRAM [--update]
#
# The tables: qemu-*: QEMU 10 with Debian's firmware (qemu-efi-aarch64), read by Linux from
# /sys/firmware/acpi/tables: -M virt,gic-version=3,iommu=smmuv3; -M virt,gic-version=2; two NUMA nodes with
# ras=on; and uefi: the machine of ./socle run --acpi, where Linux 6.1 (efi=debug) was started by the firmware,
# and memmap typed into its shell in a start before. sbsa-ref: not read from a machine, but written after
# its firmware's source (edk2-platforms, Silicon/Qemu/SbsaQemu: AcpiTables, SbsaQemuAcpiDxe.c, SbsaQemuAcpi.h), for
# 4 CPUs in one NUMA node: every table but the DSDT, which Socle does not read. From that source are
# layouts, revisions, flags and interrupts, GICR's size, GICV, GICH, ECAM, watchdog and PL011; addresses that are
# its build's settings (GICD, GICR, ITS, SMMUv3) are those of QEMU's hw/arm/sbsa-ref.c. The caches of PPTT, which
# the firmware asks the CPU about, are a Neoverse N2's.
set -uo pipefail

program=$(realpath "$1")
update=${2:-}
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
failed=0

# expect FILE ARGUMENTS...: what the program prints is in FILE.
expect() {
  local file=$1 said
  shift
  said=$("$program" "$@" 2>/dev/null)
  if [[ $update == --update ]]; then
    printf '%s\n' "$said" >"$file"
  elif ! diff -u "$file" <(printf '%s\n' "$said"); then
    failed=1
  fi
}

for dump in *.acpidump; do
  name=${dump%.acpidump}
  expect "$name.plan" "$dump"
  [[ -f $name.log ]] || continue
  expect "$name.log.plan" "$dump" --memory-map "$name.log"
  for map in "$name.iomem" "$name.memmap"; do
    expect "$map.diff" "$dump" --memory-map "$name.log" --diff "$map"
  done
done
exit "$failed"
