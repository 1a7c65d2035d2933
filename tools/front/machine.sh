# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# From options to a QEMU command line. The machine's RAM is asked of the machine itself (its device
# tree), and the modules are placed from real sizes; nothing here knows an address by heart.

MIB=$((1024 * 1024))
DTB_SLOT=$((2 * MIB)) # QEMU makes a 1 MiB tree; one 2 MiB slot keeps what follows aligned

# parse_size TEXT: bytes; a bare number is MiB, as QEMU has it.
parse_size() {
  local number unit
  [[ $1 =~ ^([0-9]+)([KkMmGgTt]?)$ ]] || return 1
  number=$((10#${BASH_REMATCH[1]})) unit=${BASH_REMATCH[2]^^}
  case ${unit:-M} in
    K) printf '%d\n' $((number << 10)) ;;
    M) printf '%d\n' $((number << 20)) ;;
    G) printf '%d\n' $((number << 30)) ;;
    T) printf '%d\n' $((number << 40)) ;;
  esac
}

align_up() { printf '%d\n' $((($1 + $2 - 1) / $2 * $2)); }

file_size() { stat -L -c %s -- "$1"; }

# little_endian FILE OFFSET: the 64-bit number there.
little_endian() { od -A n -t u8 -j "$2" -N 8 --endian=little -- "$1" | tr -d ' '; }

is_arm64_image() { [[ $(od -A n -c -j 56 -N 4 -- "$1" | tr -d ' ') == ARMd ]]; }

# qemu_escape TEXT: a value inside QEMU's comma-separated options.
qemu_escape() { printf '%s\n' "${1//,/,,}"; }

# ram_banks TREE: where each bank of RAM starts and how long it is, the lowest first.
ram_banks() {
  local node
  for node in $(fdtget -l "$1" / | grep '^memory'); do
    # shellcheck disable=SC2046 # cells are words
    set -- "$1" $(fdtget -t u "$1" "/$node" reg)
    while [[ $# -ge 5 ]]; do
      printf '%d %d\n' $((($2 << 32) | $3)) $((($4 << 32) | $5))
      set -- "$1" "${@:6}"
    done
  done | sort -n
}

# machine_tree FILE MACHINE_ARGUMENTS...: the tree that QEMU makes for this machine.
machine_tree() {
  local tree=$1
  shift
  "$QEMU" "$@" -display none -machine "dumpdtb=$(qemu_escape "$tree")" >/dev/null 2>"$WORK/dumpdtb.log" </dev/null ||
    { cat "$WORK/dumpdtb.log" >&2; die "QEMU does not accept this machine"; }
}

# ram_base MACHINE_ARGUMENTS...: where this machine's RAM starts.
ram_base() {
  machine_tree "$WORK/machine.dtb" "$@"
  ram_banks "$WORK/machine.dtb" | head -n 1 | cut -d ' ' -f 1
}

# kernel_start IMAGE BASE: where QEMU's loader puts a -kernel: text_offset above the base of RAM, and
# 2 MiB further if that leaves no room for its own start-up code (hw/arm/boot.c, load_aarch64_image).
kernel_start() {
  local offset=$((512 * 1024))
  if [[ $(little_endian "$1" 16) -ne 0 ]]; then offset=$(little_endian "$1" 8); fi
  if [[ $offset -lt 4096 ]]; then offset=$((offset + 2 * MIB)); fi
  printf '%d\n' $(($2 + offset))
}

# place_modules IMAGE BASE MEMORY KERNEL INITRD: prints two addresses, 2 MiB-aligned. QEMU's tree lies
# at min(128 MiB, half of RAM); the modules go between the hypervisor and the tree if they fit, so
# that the rest of RAM stays in one piece, and after the tree otherwise.
place_modules() {
  local image=$1 base=$2 memory=$3 kernel=$4 initrd=$5
  local end size tree half=$(($3 / 2)) first second top
  size=$(little_endian "$image" 16)
  if [[ $size -lt $(file_size "$image") ]]; then size=$(file_size "$image"); fi
  end=$(align_up $(($(kernel_start "$image" "$base") + size)) $((2 * MIB)))
  tree=$((base + (half < 128 * MIB ? half : 128 * MIB)))
  if [[ $end -gt $tree ]]; then die "the hypervisor image does not fit below QEMU's device tree"; fi
  first=$end
  second=$(align_up $((first + $(file_size "$kernel"))) $((2 * MIB)))
  top=$(align_up $((second + $(file_size "$initrd"))) $((2 * MIB)))
  if [[ $top -gt $tree ]]; then
    first=$(align_up $((tree + DTB_SLOT)) $((2 * MIB)))
    second=$(align_up $((first + $(file_size "$kernel"))) $((2 * MIB)))
    top=$(align_up $((second + $(file_size "$initrd"))) $((2 * MIB)))
  fi
  [[ $top -le $((base + memory)) ]] ||
    die "kernel and initrd do not fit into $(human_size "$memory") of memory; try a larger --memory"
  printf '%d %d\n' "$first" "$second"
}

# Sets MACHINE: what the machine is, without what runs on it.
describe_machine() {
  local mebibytes=$((OPT_MEMORY_BYTES / MIB)) file number=0
  if is_board "$OPT_MACHINE"; then describe_board; return; fi
  MACHINE=(-M "virt,virtualization=on,gic-version=$OPT_GIC${OPT_UEFI:+,acpi=$OPT_ACPI}" -cpu "$OPT_CPU" -smp "$OPT_CPUS" -m "${mebibytes}M")
  if [[ $mebibytes -gt 4096 ]]; then # sparse: the host gives pages when they are touched
    MACHINE+=(-object "memory-backend-ram,id=ram,size=${mebibytes}M,reserve=off" -machine memory-backend=ram)
  fi
  if [[ $OPT_NETWORK == yes ]]; then
    MACHINE+=(-netdev "user,id=net0" -device "virtio-net-pci,netdev=net0,romfile=")
  else
    MACHINE+=(-nic none)
  fi
  for file in "${OPT_DISKS[@]}"; do
    MACHINE+=(-drive "$(drive_option "${file#*:}" "disk$number")")
    case ${file%%:*} in
      pci) MACHINE+=(-device "virtio-blk-pci,drive=disk$number") ;;
      mmio) MACHINE+=(-device "virtio-blk-device,drive=disk$number") ;;
      nvme) MACHINE+=(-device "nvme,serial=socle$number,drive=disk$number$(nvme_option)") ;;
    esac
    number=$((number + 1))
  done
  MACHINE+=("${OPT_QEMU_ARGS[@]}")
  if has_own_tree; then describe_virt_tree; fi
}

# QEMU's NVMe offers shadow doorbells ("dbcs"): Linux then rings the doorbell of a completion queue
# only past an index that QEMU left in memory. QEMU leaves the index of the head it knew, not of the
# one it reads next, so Linux may ring no more; and only that doorbell lowers the INTx line. Under
# load the line stays high: "irq 18: nobody cared", also without a hypervisor and with Xen.
nvme_option() {
  if "$QEMU" -device nvme,help </dev/null 2>/dev/null | grep '^ *dbcs=' >/dev/null; then printf ',dbcs=off\n'; fi
}

drive_option() {
  local format=raw
  [[ $1 == *.qcow2 ]] && format=qcow2
  printf 'if=none,id=%s,format=%s,file=%s\n' "$2" "$format" "$(qemu_escape "$1")"
}

# Sets PAYLOAD: hypervisor, kernel, initrd and their command lines.
describe_payload() {
  local base kernel_address initrd_address
  if [[ -n $OPT_UEFI ]]; then describe_uefi_payload; return; fi
  if [[ $OPT_HYPERVISOR == none ]]; then
    PAYLOAD=(-kernel "$KERNEL" -initrd "$INITRD" -append "$(join_words "$DOM0_LINE" "$OPT_APPEND")")
    if has_own_tree; then PAYLOAD+=(-dtb "$BOARD_TREE"); fi
    return 0
  fi
  if has_own_tree; then describe_board_payload; return; fi
  is_arm64_image "$HYPERVISOR" || die "$HYPERVISOR is no arm64 Image"
  base=$(ram_base "${MACHINE[@]}")
  [[ -n $base ]] || die "the machine's device tree names no memory"
  read -r kernel_address initrd_address < <(
    place_modules "$HYPERVISOR" "$base" "$OPT_MEMORY_BYTES" "$KERNEL" "$INITRD")
  [[ -n ${initrd_address:-} ]] || exit "$DIE_STATUS"
  PAYLOAD=(-kernel "$HYPERVISOR" -append "$(join_words "$HYPERVISOR_LINE" "$OPT_HV_APPEND")"
    -device "$(printf 'guest-loader,addr=0x%x,kernel=%s,bootargs=%s' "$kernel_address" \
      "$(qemu_escape "$KERNEL")" "$(qemu_escape "$(join_words "$DOM0_LINE" "$OPT_APPEND")")")"
    -device "$(printf 'guest-loader,addr=0x%x,initrd=%s' "$initrd_address" "$(qemu_escape "$INITRD")")")
}

# join_words TEXT...: the non-empty ones with one space between.
join_words() {
  local text joined=
  for text in "$@"; do
    if [[ -n $text ]]; then joined+=${joined:+ }$text; fi
  done
  printf '%s\n' "$joined"
}

# print_command WORD...: the command line as a shell takes it, an option per line.
print_command() {
  local word between=
  for word in "$@"; do
    if [[ -n $between && $word == -* ]]; then between=$' \\\n  '; fi
    if [[ $word =~ ^[A-Za-z0-9_./:=,+@%-]+$ ]]; then printf '%s%s' "$between" "$word"
    else printf '%s%s' "$between" "$(quote_word "$word")"; fi
    between=' '
  done
  printf '\n'
}
