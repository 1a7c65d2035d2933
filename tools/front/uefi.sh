# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A machine that boots by UEFI: Debian's AAVMF as its firmware, and a FAT image as its EFI partition, with
# Socle, its configuration file, the kernel and the initrd. OPT_ACPI says whether AAVMF describes the machine
# by ACPI's tables (on) or by a device tree (off).
#
# OPT_UEFI says how Socle is started:
#   config   as the partition's default program, with the configuration file of its name
#   shell    from firmware's shell, which obeys startup.nsh; another configuration file by -cfg=
#   grub     by Debian's GRUB: xen_hypervisor and xen_module
#
# Without a hypervisor Linux's own EFI stub is started instead, from the shell. OPT_UEFI_FIRST holds what the shell
# starts before: an EFI application and its arguments each.

UEFI_FIRMWARE=/usr/share/qemu-efi-aarch64/QEMU_EFI.fd

check_uefi_arguments() {
  [[ -n $OPT_UEFI ]] || return 0
  [[ $OPT_UEFI =~ ^(config|shell|grub)$ ]] || misuse "--uefi-by is config, shell or grub, not '$OPT_UEFI'" run
  [[ $OPT_MACHINE == virt ]] || misuse "--uefi: $OPT_MACHINE has no UEFI firmware here" run
  if [[ $OPT_HYPERVISOR == none || ${#OPT_UEFI_FIRST[@]} -gt 0 ]]; then
    [[ $OPT_UEFI != grub ]] || misuse "--uefi-by grub starts nothing but a hypervisor" run
    OPT_UEFI=shell
  fi
  local first
  for first in "${OPT_UEFI_FIRST[@]}"; do
    [[ -f ${first%% *} ]] || misuse "--uefi-first: there is no file '${first%% *}'" run
  done
  [[ ${#OPT_OVERLAYS[@]} -eq 0 ]] || misuse "--overlay: under UEFI the tree is firmware's" run
}

# into_partition IMAGE FILE PATH: copies a file to PATH of a FAT image, and makes its directories.
into_partition() {
  local image=$1 file=$2 path=$3 directory
  directory=${path%/*}
  if [[ -n $directory ]] && ! mdir -i "$image" "::$directory" >/dev/null 2>&1; then
    make_directories "$image" "$directory"
  fi
  mcopy -o -i "$image" "$file" "::$path" || die "cannot write $path to the EFI partition"
}

make_directories() {
  local part path=
  for part in ${2//\// }; do
    path+=/$part
    mdir -i "$1" "::$path" >/dev/null 2>&1 || mmd -i "$1" "::$path" || die "cannot make $path in the EFI partition"
  done
}

# A configuration file in Xen's format.
uefi_configuration() {
  printf '[global]\ndefault=debian\n\n[debian]\noptions=%s\nkernel=%s %s\nramdisk=%s\n' \
    "$(join_words "$HYPERVISOR_LINE" "$OPT_HV_APPEND")" vmlinuz "$(join_words "$DOM0_LINE" "$OPT_APPEND")" initrd.img
}

# What Debian's 20_linux_xen writes, in short.
grub_configuration() {
  printf 'set timeout=0\ninsmod xen_boot\n'
  printf 'xen_hypervisor /socle/socle.efi placeholder %s\n' "$(join_words "$HYPERVISOR_LINE" "$OPT_HV_APPEND")"
  printf 'xen_module /socle/vmlinuz placeholder %s\n' "$(join_words "$DOM0_LINE" "$OPT_APPEND")"
  printf 'xen_module --nounzip /socle/initrd.img\nboot\n'
}

# What firmware's shell obeys.
shell_script() {
  local first file
  printf 'fs0:\ncd socle\n'
  for first in "${OPT_UEFI_FIRST[@]}"; do
    file=${first%% *}
    printf '%s%s\n' "${file##*/}" "${first#"$file"}"
  done
  if [[ $OPT_HYPERVISOR == none ]]; then
    printf 'vmlinuz initrd=\\socle\\initrd.img %s\n' "$(join_words "$DOM0_LINE" "$OPT_APPEND")"
  else
    printf 'socle.efi -cfg=other.cfg debian\n'
  fi
  if [[ $WITH_COMMAND == yes ]]; then printf 'echo not started: firmware goes on\nreset -s\n'; fi
}

# Sets PAYLOAD for a start by UEFI.
describe_uefi_payload() {
  local image=$WORK/esp.img file directory=/socle bytes
  bytes=$(($(file_size "$KERNEL") + $(file_size "$INITRD") + 64 * MIB))
  truncate -s "$(align_up "$bytes" "$MIB")" "$image"
  mformat -i "$image" -F -v SOCLE :: || die "cannot make an EFI partition"
  uefi_configuration >"$WORK/socle.cfg"
  case $OPT_UEFI in
    config)
      directory=/EFI/BOOT
      into_partition "$image" "$HYPERVISOR" /EFI/BOOT/BOOTAA64.EFI
      into_partition "$image" "$WORK/socle.cfg" /EFI/BOOT/BOOTAA64.cfg
      ;;
    shell)
      [[ $OPT_HYPERVISOR == none ]] || into_partition "$image" "$HYPERVISOR" /socle/socle.efi
      into_partition "$image" "$WORK/socle.cfg" /socle/other.cfg
      for file in "${OPT_UEFI_FIRST[@]}"; do
        file=${file%% *}
        into_partition "$image" "$file" "/socle/${file##*/}"
      done
      shell_script | sed 's/$/\r/' >"$WORK/startup.nsh"
      into_partition "$image" "$WORK/startup.nsh" /startup.nsh
      ;;
    grub)
      into_partition "$image" "$HYPERVISOR" /socle/socle.efi
      into_partition "$image" "$DEPS/grub/grubaa64.efi" /EFI/BOOT/BOOTAA64.EFI
      for file in "$DEPS"/grub/arm64-efi/*; do into_partition "$image" "$file" "/EFI/debian/arm64-efi/${file##*/}"; done
      grub_configuration >"$WORK/grub.cfg"
      into_partition "$image" "$WORK/grub.cfg" /EFI/debian/grub.cfg
      ;;
  esac
  into_partition "$image" "$KERNEL" "$directory/vmlinuz"
  into_partition "$image" "$INITRD" "$directory/initrd.img"
  PAYLOAD=(-bios "$UEFI_FIRMWARE" -drive "if=none,id=esp,format=raw,file=$(qemu_escape "$image")"
    -device "virtio-blk-pci,drive=esp,bootindex=0")
}
