# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Machines that get their tree from here. Boards that QEMU has besides virt: they boot with the tree that
# Debian's kernel package has for the real board, or with QEMU's own where there is none. And virt, if the tree
# that QEMU makes is to be changed. Modules are written into the tree as a boot loader would.

BOARDS=(xlnx-zcu102 xlnx-versal-virt)

# is_board NAME
is_board() {
  local board
  for board in "${BOARDS[@]}"; do [[ $1 != "$board" ]] || return 0; done
  return 1
}

# Sets BOARD_TREE and BOARD, the machine as QEMU has to be asked for it (-smp counts all kinds of CPUs).
choose_board() {
  local kernel=$DEFAULT_KERNEL
  if known_kernel "$OPT_KERNEL"; then kernel=$OPT_KERNEL; fi
  BOARD_TREE=$WORK/board.dtb
  case $OPT_MACHINE in
    xlnx-zcu102)
      BOARD=(-M "xlnx-zcu102,virtualization=on" -smp "$OPT_CPUS")
      cp -- "$DEPS/kernel-$kernel/dtbs/xilinx/zynqmp-zcu102-rev1.0.dtb" "$BOARD_TREE"
      ;;
    xlnx-versal-virt)
      [[ $OPT_CPUS -eq 2 ]] || die "$OPT_MACHINE has 2 CPUs, not $OPT_CPUS"
      BOARD=(-M xlnx-versal-virt -smp 4)
      # Its tree is for whoever boots a kernel.
      machine_tree "$BOARD_TREE" "${BOARD[@]}" -m "$((OPT_MEMORY_BYTES / MIB))M" -kernel "$HYPERVISOR"
      ;;
  esac
}

# Wrong use: what a board has no place for.
check_board_arguments() {
  local option
  for option in "${STATED_OPTIONS[@]}"; do
    case $option in
      --cpu | --gic) misuse "$option: the CPUs and the interrupt controller of $OPT_MACHINE are what they are" run ;;
      --disk | --mmio-disk | --nvme) misuse "$option: $OPT_MACHINE has nothing that such a disk could be attached to" run ;;
    esac
  done
  case $OPT_HYPERVISOR in
    none | xen) misuse "--hypervisor $OPT_HYPERVISOR: reaches no console on $OPT_MACHINE under QEMU" run ;;
  esac
}

# has_own_tree: whether BOARD_TREE is what the machine boots with.
has_own_tree() { is_board "$OPT_MACHINE" || [[ ${#OPT_OVERLAYS[@]} -gt 0 ]]; }

# apply_overlays TREE: changes it as --overlay wants.
apply_overlays() {
  local file blob=$WORK/overlay.dtbo merged=$WORK/merged.dtb log=$WORK/overlay.log
  for file in "${OPT_OVERLAYS[@]}"; do
    dtc -q -@ -I "$(tree_form "$file")" -O dtb -o "$blob" -- "$file" 2>"$log" ||
      { cat "$log" >&2; die "dtc does not accept the overlay $file"; }
    fdtoverlay -i "$1" -o "$merged" "$blob" 2>"$log" ||
      { cat "$log" >&2; die "the overlay $file does not fit the tree of $OPT_MACHINE"; }
    mv -- "$merged" "$1"
  done
}

# tree_form FILE: what dtc is to read, source or blob.
tree_form() { if [[ $(od -A n -t x1 -N 4 -- "$1") == ' d0 0d fe ed' ]]; then echo dtb; else echo dts; fi; }

# Sets BOARD_TREE, for virt: the tree that QEMU makes, changed. It writes RAM and a command line into it
# once more when it starts.
describe_virt_tree() {
  BOARD_TREE=$WORK/board.dtb
  machine_tree "$BOARD_TREE" "${MACHINE[@]}"
  apply_overlays "$BOARD_TREE"
}

# Sets BOARD_TREE and MACHINE.
describe_board() {
  local cpus bank
  choose_board
  apply_overlays "$BOARD_TREE"
  cpus=$(fdtget -l "$BOARD_TREE" /cpus | grep -c '^cpu@')
  [[ $OPT_CPUS -le $cpus ]] || die "$OPT_MACHINE has $cpus CPUs, not $OPT_CPUS"
  bank=$(ram_banks "$BOARD_TREE" | head -n 1 | cut -d ' ' -f 2)
  [[ $OPT_MEMORY_BYTES -le $bank ]] ||
    die "$OPT_MACHINE has $(human_size "$bank") of memory in one piece; try a smaller --memory"
  MACHINE=("${BOARD[@]}" -m "$((OPT_MEMORY_BYTES / MIB))M"
    -nic none -audio none "${OPT_QEMU_ARGS[@]}")
}

# Sets PAYLOAD. QEMU writes a command line into the tree that it is given, and the size of RAM, but
# its guest-loader writes nothing there.
describe_board_payload() {
  local base kernel_address initrd_address
  is_arm64_image "$HYPERVISOR" || die "$HYPERVISOR is no arm64 Image"
  base=$(ram_banks "$BOARD_TREE" | head -n 1 | cut -d ' ' -f 1)
  read -r kernel_address initrd_address < <(
    place_modules "$HYPERVISOR" "$base" "$OPT_MEMORY_BYTES" "$KERNEL" "$INITRD")
  [[ -n ${initrd_address:-} ]] || exit "$DIE_STATUS"
  fdtput -t i "$BOARD_TREE" /chosen '#address-cells' 2
  fdtput -t i "$BOARD_TREE" /chosen '#size-cells' 2
  add_module kernel "$kernel_address" "$KERNEL"
  fdtput -t s "$BOARD_TREE" "$MODULE" bootargs "$(join_words "$DOM0_LINE" "$OPT_APPEND")"
  add_module ramdisk "$initrd_address" "$INITRD"
  PAYLOAD=(-dtb "$BOARD_TREE" -kernel "$HYPERVISOR" -append "$(join_words "$HYPERVISOR_LINE" "$OPT_HV_APPEND")"
    -device "$(loader "$kernel_address" "$KERNEL")" -device "$(loader "$initrd_address" "$INITRD")")
}

# add_module KIND ADDRESS FILE: describes it in the board's tree; sets MODULE, its node.
add_module() {
  local size
  size=$(file_size "$3")
  MODULE=$(printf '/chosen/module@%x' "$2")
  fdtput -c "$BOARD_TREE" "$MODULE"
  fdtput -t s "$BOARD_TREE" "$MODULE" compatible "multiboot,$1" multiboot,module
  # shellcheck disable=SC2046 # cells are words
  fdtput -t x "$BOARD_TREE" "$MODULE" reg $(printf '%x %x %x %x' $(($2 >> 32)) $(($2 & 0xffffffff)) \
    $((size >> 32)) $((size & 0xffffffff)))
}

# loader ADDRESS FILE: QEMU's device that puts the file there.
loader() { printf 'loader,addr=0x%x,force-raw=on,file=%s\n' "$1" "$(qemu_escape "$2")"; }
