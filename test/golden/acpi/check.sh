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
# and memmap typed into its shell in a start before. sbsa-ref: not read from a machine, but written from what
# its firmware is known to hold (edk2-platforms, Silicon/Qemu/SbsaQemu).
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
