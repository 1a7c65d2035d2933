# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Starts by UEFI: Debian's AAVMF, with a device tree from it.

# What dom0 is to see: the hypervisor, a tree and neither ACPI nor UEFI, its kernel.
seen_in_dom0() {
  dom0 --yes "$@" -- 'cat /sys/hypervisor/type; echo $(ls /sys/firmware | grep -E "acpi|devicetree|efi"); ls /proc/device-tree/chosen | grep -c uefi; uname -r | cut -d . -f 1,2' |
    tr '\n' ' '
}

test_the_configuration_file_starts_linux_6_1() {
  equal "xen devicetree 0 6.1 " "$(seen_in_dom0 --uefi)" "what dom0 sees"
}
full_the_configuration_file_starts_linux_6_12() {
  equal "xen devicetree 0 6.12 " "$(seen_in_dom0 --uefi --kernel 6.12)" "what dom0 sees"
}
full_firmwares_shell_starts_linux() {
  equal "xen devicetree 0 6.1 " "$(seen_in_dom0 --uefi-by shell --no-network)" "what dom0 sees"
}
full_grub_starts_linux_6_1() {
  equal "xen devicetree 0 6.1 " "$(seen_in_dom0 --uefi-by grub)" "what dom0 sees"
}
test_grub_starts_linux_6_12_on_4_cpus_max() {
  equal "xen devicetree 0 6.12 " "$(seen_in_dom0 --uefi-by grub --kernel 6.12 --cpu max --cpus 4)" "what dom0 sees"
}

full_gicv2_and_8_gib() {
  local out
  out=$(dom0 --yes --uefi --gic 2 --memory 8G -- 'nproc; awk "/MemTotal/ { print (\$2 > 7900000) }" /proc/meminfo')
  equal "2 1" "${out//$'\n'/ }" "CPUs, and whether dom0 has nearly all of memory"
}

test_disks_and_network_work_after_uefi() {
  local disk out
  disk=$(scratch uefi-disk 4M)
  out=$(dom0 --yes --uefi --nvme "$disk" -- 'echo written >/dev/nvme0n1; sync; head -c 7 /dev/nvme0n1; echo; ls /sys/class/net | grep -v lo | wc -l')
  equal "written 1" "${out//$'\n'/ }" "disk and network cards"
  equal written "$(head -c 7 "$disk")" "what the disk holds"
}

# Another firmware: U-Boot finds the partition's default program, too.
test_u_boots_uefi_starts_linux() {
  local deps=$SOCLE_ROOT/build/deps partition
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  partition=$(esp '[a]\noptions=loglvl=info\nkernel=vmlinuz console=hvc0\nramdisk=initrd.img\n' vmlinuz)
  mcopy -i "$partition" "$deps/initrd-6.1.cpio" ::/EFI/BOOT/initrd.img
  python3 "$SOCLE_ROOT/test/qemu/talk.py" --timeout "$TIMEOUT" -- "$deps/qemu/qemu-system-aarch64" \
    -M virt,virtualization=on,gic-version=3 -cpu cortex-a57 -smp 2 -m 1024 -nographic -nic none \
    -bios "$deps/uboot/u-boot.bin" -drive "if=none,id=esp,format=raw,file=$partition" \
    -device virtio-blk-device,drive=esp <<DIALOGUE
expect started by UEFI
expect hypervisor: xen
expect # 
send poweroff
end 0
DIALOGUE
}

# load_option FILE WORDS: a Boot#### variable as efivarfs wants it, which starts \EFI\FILE with WORDS; in printf's octal.
load_option() {
  python3 -c '
import struct, sys
text = lambda words: (words + "\0").encode("utf-16le")
path = text("\\EFI\\" + sys.argv[1])
path = struct.pack("<BBH", 4, 4, 4 + len(path)) + path + struct.pack("<BBH", 0x7f, 0xff, 4)
value = struct.pack("<IIH", 7, 1, len(path)) + text("Socle") + path + text(sys.argv[2])
print("".join("\\%03o" % byte for byte in value))' "$@"
}

# As `efibootmgr -c` on a server: dom0 writes a boot entry through Socle, and firmware starts Socle by it, with its words.
test_a_boot_entry_that_dom0_wrote_is_booted() {
  local deps=$SOCLE_ROOT/build/deps global=8be4df61-93ca-11d2-aa0d-00e098032b8c partition entry files=kernel=vmlinuz
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  files+=' console=hvc0\nramdisk=initrd.img\n'
  partition=$(esp "[first]\n$files" vmlinuz)
  mcopy -i "$partition" "$deps/initrd-6.1.cpio" ::/EFI/BOOT/initrd.img
  printf '%b' "[first]\nkernel=none\n[second]\noptions=loglvl=info\n$files" | mcopy -i "$partition" - ::/EFI/BOOT/other.cfg
  entry=$(load_option 'BOOT\BOOTAA64.EFI' '-cfg=other.cfg second -- dom0_mem=700M')
  python3 "$SOCLE_ROOT/test/qemu/talk.py" --timeout "$TIMEOUT" -- "$deps/qemu/qemu-system-aarch64" \
    -M virt,virtualization=on,gic-version=3,acpi=on -cpu cortex-a57 -smp 2 -m 2048 -nographic -nic none \
    -bios /usr/share/qemu-efi-aarch64/QEMU_EFI.fd -drive "if=none,id=esp,format=raw,file=$partition" \
    -device virtio-blk-pci,drive=esp <<DIALOGUE
expect # 
send mount -t efivarfs efivarfs /mnt
expect # 
send e='${entry:0:400}'
expect # 
send e="\$e"'${entry:400}'
expect # 
send printf "\$e" >/mnt/Boot0009-$global && printf '\\007\\0\\0\\0\\011\\0' >/mnt/BootNext-$global && echo wr""ote
expect wrote
send reboot -f
expect \(SOCLE\).* command line: .*loglvl=info dom0_mem=700M
expect # 
send awk '/MemTotal/ { print (\$2 < 717000) ? "sm" "all" : "large" }' /proc/meminfo
expect small
send poweroff -f
end 0
DIALOGUE
}

# By name and flags, as shim and firmware that protects memory read them.
test_the_images_sections_are_what_shim_and_firmware_want() {
  local sections
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  sections=$(llvm-readobj-19 --sections "$IMAGE")
  equal ".text .rodata .data .sbat " "$(awk '$1 == "Name:" { print $2 }' <<<"$sections" | tr '\n' ' ')" "the image's sections"
  equal "0x60000020 0x40000040 0xC0000040 0x40000040 " "$(sed -n 's/.*Characteristics \[ (\(.*\))/\1/p' <<<"$sections" | tr '\n' ' ')" \
    "execute and read, read, read and write, read"
  contains "$(llvm-readobj-19 --string-dump=.sbat "$IMAGE")" 'socle,1,Socle,socle,[0-9.]+,'
}

# --- what is refused: on firmware's console, and firmware goes on ---------------------------------

# esp CONFIGURATION FILE...: an EFI partition with Socle, its configuration, and files of the kernel's folder.
esp() {
  local partition configuration=$1 file
  partition=$(scratch esp 128M)
  shift
  mformat -i "$partition" -F :: && mmd -i "$partition" ::/EFI ::/EFI/BOOT
  mcopy -i "$partition" "$IMAGE" ::/EFI/BOOT/BOOTAA64.EFI
  printf '%b' "$configuration" | mcopy -i "$partition" - ::/EFI/BOOT/BOOTAA64.cfg
  for file in "$@"; do mcopy -i "$partition" "$SOCLE_ROOT/build/deps/kernel-6.1/$file" ::/EFI/BOOT/; done
  printf '%s\n' "$partition"
}

# refused_by_socle WORDS ESP [MACHINE]: Socle says WORDS, and firmware gets to its shell.
refused_by_socle() {
  python3 "$SOCLE_ROOT/test/qemu/talk.py" --timeout "$TIMEOUT" -- "$SOCLE_ROOT/build/deps/qemu/qemu-system-aarch64" \
    -M "virt,acpi=off,gic-version=3,${3:-virtualization=on}" -cpu cortex-a57 -m 1024 -nographic -nic none \
    -bios /usr/share/qemu-efi-aarch64/QEMU_EFI.fd -drive "if=none,id=esp,format=raw,file=$2" \
    -device virtio-blk-pci,drive=esp,bootindex=0 <<DIALOGUE
expect Socle: $1
expect Shell>
key ^A
key x
end 0
DIALOGUE
}

test_without_el2_firmware_keeps_the_machine() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  refused_by_socle 'firmware runs at EL1; a hypervisor needs EL2' \
    "$(esp '[a]\nkernel=vmlinuz\n' vmlinuz)" virtualization=off
}
test_a_missing_kernel_is_refused() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  refused_by_socle '.EFI.BOOT.vmlinuz: there is no such file' "$(esp '[global]\ndefault=a\n[a]\nkernel=vmlinuz quiet\n')"
}
test_a_broken_configuration_is_refused() {
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  refused_by_socle 'configuration: no kernel= in .b.' "$(esp '[global]\ndefault=b\n[a]\nkernel=vmlinuz\n' vmlinuz)"
}
