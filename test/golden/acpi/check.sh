#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `socle plan` says about ACPI tables: each NAME.acpidump here has its NAME.plan.
# Usage: check.sh PROGRAM [--update]
#
# The tables: qemu-*: QEMU 10 with Debian's firmware (qemu-efi-aarch64), read by Linux from
# /sys/firmware/acpi/tables: -M virt,gic-version=3,iommu=smmuv3; -M virt,gic-version=2; and two NUMA
# nodes with ras=on. sbsa-ref: not read from a machine, but written from what its firmware is known
# to hold (edk2-platforms, Silicon/Qemu/SbsaQemu).
set -uo pipefail

program=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
failed=0
for dump in *.acpidump; do
  plan=${dump%.acpidump}.plan
  said=$("$program" "$dump" 2>/dev/null)
  if [[ ${2:-} == --update ]]; then
    printf '%s\n' "$said" >"$plan"
  elif ! diff -u "$plan" <(printf '%s\n' "$said"); then
    failed=1
  fi
done
exit "$failed"
