# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# dom0 on ACPI: Debian's AAVMF describes the machine by tables, and no device tree.

# What dom0 is to see: the hypervisor, ACPI's tables instead of a tree, all CPUs, its kernel.
seen_in_dom0() {
  dom0 --yes --acpi "$@" -- 'cat /sys/hypervisor/type; ls /sys/firmware/acpi/tables | grep -c -E "^(APIC|FACP|GTDT|STAO)$"
    ls /proc/device-tree 2>/dev/null; nproc; uname -r | cut -d . -f 1,2' | tr '\n' ' '
}

full_linux_6_1_by_the_configuration_file() {
  equal "xen 4 2 6.1 " "$(seen_in_dom0)" "what dom0 sees"
}
test_linux_6_12_by_grub_on_4_cpus_max() {
  equal "xen 4 4 6.12 " "$(seen_in_dom0 --uefi-by grub --kernel 6.12 --cpu max --cpus 4)" "what dom0 sees"
}
# Linux rounds what the memory map calls its RAM outward to its own pages, which are larger than Socle's.
full_pages_of_16_kib() {
  equal "xen 4 2 6.12 " "$(seen_in_dom0 --kernel 6.12-16k --cpu max)" "what dom0 sees"
}
full_a_kernel_with_preempt_rt() {
  equal "xen 4 2 6.12 " "$(seen_in_dom0 --kernel 6.12-rt)" "what dom0 sees"
}
test_a_gicv2_machine() {
  equal "xen 4 2 6.1 " "$(seen_in_dom0 --gic 2)" "what dom0 sees"
}
test_an_smmu_and_dom0_with_half_of_memory() {
  equal "xen 4 2 6.1 " "$(seen_in_dom0 --memory 4G --dom0-mem 2G --qemu-arg -machine --qemu-arg iommu=smmuv3)" "what dom0 sees"
}

# Time comes from firmware, and goes there; Linux has looked at variables before it offers them.
test_firmwares_clock_and_variables() {
  local out
  out=$(dom0 --yes --acpi -- 'cat /sys/class/rtc/rtc0/name; date -u +%F; date -u -s 2031-05-06 >/dev/null; hwclock -u -w
    hwclock -u -r | grep -c "May  *6 .*2031"; dmesg | grep -c "Registered efivars operations"; ls -d /sys/firmware/efi/efivars')
  equal "rtc-efi rtc-efi.0 $(date -u +%F) 1 1 /sys/firmware/efi/efivars" "${out//$'\n'/ }" "clock, date, date that was set, variables"
}

# A variable of firmware's, and one that dom0 makes, read back after efivarfs has forgotten it.
firmwares_variables() {
  local out
  out=$(dom0 --yes --acpi "$@" -- 'modprobe efivarfs; mount -t efivarfs efivarfs /sys/firmware/efi/efivars; cd /sys/firmware/efi/efivars
    tail -c +5 PlatformLang-8be4df61-93ca-11d2-aa0d-00e098032b8c | tr "\0" "\n"
    mine=Socle-6c9e7c1f-9d1b-4f2b-8f1e-2f0a3f5b7d11; printf "\007\0\0\0kept" >$mine
    cd /; umount /sys/firmware/efi/efivars; mount -t efivarfs efivarfs /sys/firmware/efi/efivars
    tail -c +5 /sys/firmware/efi/efivars/$mine')
  equal "en kept" "${out//$'\n'/ }" "variables"
}
test_firmwares_variables_are_read_and_written() { firmwares_variables; }
test_firmwares_variables_6_12_on_4_cpus_max() { firmwares_variables --kernel 6.12 --cpu max --cpus 4; }

# 64 MiB on each kind of disk, read back and compared on the host.
test_disks_hold_what_was_written() {
  local pci nvme mmio out
  pci=$(scratch acpi-pci 64M) nvme=$(scratch acpi-nvme 64M) mmio=$(scratch acpi-mmio 64M)
  out=$(TIMEOUT=300 dom0 --yes --acpi --disk "$pci" --nvme "$nvme" --mmio-disk "$mmio" -- '
    head -c 67108864 /dev/urandom >/tmp/noise
    md5sum </tmp/noise | cut -c 1-32
    for device in /dev/nvme0n1 $(for disk in /sys/block/vd*; do [ $(cat $disk/size) = 131072 ] && echo /dev/${disk##*/}; done); do
      dd if=/tmp/noise of=$device bs=1M 2>/dev/null
      sync; blockdev --flushbufs $device; echo 3 >/proc/sys/vm/drop_caches
      dd if=$device bs=1M count=64 2>/dev/null | md5sum | cut -c 1-32
    done')
  equal 4 "$(wc -l <<<"$out")" "sums: of the noise, and of three disks"
  equal 1 "$(sort -u <<<"$out" | wc -l)" "different sums"
  equal "$(head -n 1 <<<"$out")" "$(md5sum <"$pci" | cut -c 1-32)" "the host's sum"
  cmp "$pci" "$nvme" || fail "the host sees another NVMe disk"
  cmp "$pci" "$mmio" || fail "the host sees another virtio-mmio disk"
}

# AML alone names QEMU's fw_cfg: its registers are mapped when the driver asks for them.
test_a_device_of_aml_works_and_the_network_both_ways() {
  # shellcheck source=test/qemu/network_test.sh
  source "$SOCLE_ROOT/test/qemu/network_test.sh"
  equal "_SM3_" "$(dom0 --yes --acpi -- 'modprobe qemu_fw_cfg; head -c 5 /sys/firmware/qemu_fw_cfg/by_name/etc/smbios/smbios-anchor/raw')" \
    "the beginning of a file of fw_cfg"
  transfers --yes --acpi
}

# The power button is AML's: an event device raises an interrupt, AML tells which button.
test_the_power_button_reaches_dom0() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  talk --yes --acpi <<'DIALOGUE'
expect root#
send grep -c 'Ged' /proc/interrupts
expect \n1
key ^A
key c
expect \(qemu\)
send system_powerdown
expect \(qemu\)
key ^A
key c
send awk '/Ged/ { print "pressed " $2 + $3 }' /proc/interrupts
expect pressed 1
send poweroff -f
end 0
DIALOGUE
}

# Fault-around maps the rest of a gigabyte at once: boot takes a handful of faults, not hundreds.
full_the_record_lists_what_was_mapped_on_a_fault() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  talk --yes --acpi <<'DIALOGUE'
expect root#
key ^A
key ^A
key ^A
key ^A
key ^A
key ^A
expect keyboard goes to Socle
key f
expect MMIO mapped on [0-9] faults, 0 not on record
expect MMIO denied on 0 faults
key ^A
key x
end 0
DIALOGUE
}

# Every kind of access to every physical address (test/guests/mmio_fault.cc): what firmware's tables name as Socle's is
# denied to the page, its neighbours are mapped; of firmware's and Socle's memory nothing is reached.
test_a_hostile_dom0_reaches_nothing_that_is_not_its_own() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  local said
  said=$(TIMEOUT=300 dom0 --yes --acpi --kernel "$SOCLE_ROOT/build/el2-release/guests/mmio_fault.bin" | tr -d '\r' |
    grep -E '^(space|wrong|done)')
  grep -E '^(wrong|done)' <<<"$said"
  grep -qx 'wrongs 0' <<<"$said" || fail "it got what it must not"
  grep -qx 'done' <<<"$said" || fail "it did not get to its end"
  # Below RAM: flash, GICD, the ITS, the virtual redistributors, the physical ones and the console.
  equal '0 4000000 mapped
4000000 8000000 own
8000000 8010000 emulated
8010000 8080000 mapped
8080000 80a0000 denied
80a0000 80e0000 emulated
80e0000 9001000 denied
9001000 9010000 mapped
9010000 9011000 own
9011000 40000000 mapped' "$(sed -n '/^space 40000000/,$d; s/^space //p' <<<"$said")" "what is below RAM"
}
