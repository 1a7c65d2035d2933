# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Debian's U-Boot starts Socle with the commands that docs/boot.md shows.

# machine_with_files: QEMU's command line; what `load` would read from a disk is in RAM already.
machine_with_files() {
  local deps=$SOCLE_ROOT/build/deps at
  printf '%s\0' "$deps/qemu/qemu-system-aarch64" -M virt,virtualization=on,gic-version=3 -cpu cortex-a57 \
    -smp 2 -m 1024 -nographic -bios "$deps/uboot/u-boot.bin"
  for at in "$IMAGE@0x44000000" "$deps/kernel-6.1/vmlinuz@0x48000000" "$deps/initrd-6.1.cpio@0x4c000000"; do
    printf '%s\0' -device "loader,file=${at%@*},addr=${at##*@},force-raw=on"
  done
}

test_u_boot_starts_socle_and_socle_starts_linux() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  local deps=$SOCLE_ROOT/build/deps kernel_size initrd_size command=()
  kernel_size=$(printf '0x%x' "$(stat -c %s "$deps/kernel-6.1/vmlinuz")")
  initrd_size=$(printf '0x%x' "$(stat -c %s "$deps/initrd-6.1.cpio")")
  mapfile -d '' -t command < <(machine_with_files)
  python3 "$SOCLE_ROOT/test/qemu/talk.py" --timeout "$TIMEOUT" -- "${command[@]}" <<DIALOGUE
expect stop autoboot
key x
expect =>
send fdt addr \$fdtcontroladdr
expect =>
send fdt move \$fdtcontroladdr 0x60000000 0x100000
expect =>
send fdt set /chosen xen,xen-bootargs "dom0_mem=512M"
expect =>
send fdt set /chosen '#address-cells' <2>
expect =>
send fdt set /chosen '#size-cells' <2>
expect =>
send fdt mknod /chosen module@48000000
expect =>
send fdt set /chosen/module@48000000 compatible multiboot,kernel multiboot,module
expect =>
send fdt set /chosen/module@48000000 reg <0 0x48000000 0 $kernel_size>
expect =>
send fdt set /chosen/module@48000000 bootargs "console=hvc0"
expect =>
send fdt mknod /chosen module@4c000000
expect =>
send fdt set /chosen/module@4c000000 compatible multiboot,ramdisk multiboot,module
expect =>
send fdt set /chosen/module@4c000000 reg <0 0x4c000000 0 $initrd_size>
expect =>
send booti 0x44000000 - 0x60000000
expect command line: dom0_mem=512M
expect hypervisor: xen
expect # 
send poweroff
end 0
DIALOGUE
}
