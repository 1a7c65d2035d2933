# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What Socle says about a boot that cannot work: one clear line that names the cause, then it stops.
# Here the boot loader is a few instructions that jump to Socle with any device tree in x0, so that
# nothing on the way repairs what is broken.

# command_line: the words of QEMU's command line for a usual boot, one a line.
command_line() {
  local printed
  printed=$("$SOCLE_ROOT/socle" run --hypervisor "$HYPERVISOR" --print)
  eval "printf '%s\n' ${printed//$'\n'/ }" | grep -v '^\\\?$'
}

prepare() {
  if [[ $HYPERVISOR == xen ]]; then printf 'only for Socle\n'; exit 0; fi
  mapfile -t WORDS < <(command_line)
  QEMU=${WORDS[0]}
  local i
  for i in "${!WORDS[@]}"; do
    case ${WORDS[i]} in
      -kernel) IMAGE=${WORDS[i + 1]} ;;
      guest-loader,*kernel=*) KERNEL=${WORDS[i]#*kernel=} KERNEL=${KERNEL%%,*} ;;
    esac
  done
  MACHINE=(-M 'virt,virtualization=on,gic-version=3' -cpu cortex-a57 -smp 2 -m 1G)
  SEMIHOSTING=(-semihosting-config 'enable=on,target=native,chardev=host'
    -chardev "file,id=host,path=$SCRATCH/semihosting.log")
  DTB=$SCRATCH/host.dtb
  "$QEMU" "${MACHINE[@]}" -M dumpdtb="$DTB" -display none >/dev/null 2>&1
}

# word VALUE REGISTER: instructions that load a 32-bit value, little-endian bytes in printf's form.
load_register() {
  local low=$((0x52800000 | ($1 & 0xffff) << 5 | $2)) high=$((0x72a00000 | ($1 >> 16) << 5 | $2)) word
  for word in "$low" "$high"; do
    printf '\\x%02x\\x%02x\\x%02x\\x%02x' $((word & 255)) $((word >> 8 & 255)) $((word >> 16 & 255)) \
      $((word >> 24))
  done
}

SOCLE_AT=0x41003000 # any multiple of 4 KiB
LOADER_AT=0x47000000 # (QEMU puts a tree of its own where RAM begins)
TREE_AT=0x48000000
KERNEL_AT=0x4a000000

# boot TREE [QEMU ARGUMENTS]: the console, until Socle says that it cannot go on.
boot() {
  local tree=$1 log=$SCRATCH/console.log pid i
  shift
  rm -f "$log" "$SCRATCH/semihosting.log"
  # mov w0, tree; mov w1, socle; br x1
  printf '%b' "$(load_register "$TREE_AT" 0)$(load_register "$SOCLE_AT" 1)\\x20\\x00\\x1f\\xd6" \
    >"$SCRATCH/loader.bin"
  "$QEMU" "${MACHINE[@]}" -display none -serial "file:$log" \
    -device "loader,file=$SCRATCH/loader.bin,addr=$LOADER_AT,force-raw=on" \
    -device "loader,addr=$LOADER_AT,cpu-num=0" \
    -device "loader,file=$IMAGE,addr=$SOCLE_AT,force-raw=on" \
    -device "loader,file=$tree,addr=$TREE_AT,force-raw=on" \
    -device "loader,file=${KERNEL_FILE:-$KERNEL},addr=$KERNEL_AT,force-raw=on" "$@" </dev/null >&2 &
  pid=$!
  for ((i = 0; i < 200; i++)); do
    if grep -qsE "${UNTIL:-cannot go on}" "$log" "$SCRATCH/semihosting.log" || ! kill -0 "$pid" 2>/dev/null; then break; fi
    sleep 0.1
  done
  kill "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  cat "$log" "$SCRATCH/semihosting.log" 2>/dev/null || true
}

# tree NAME: a copy of the machine's tree with a kernel module, to be spoilt with fdtput.
tree() {
  local copy=$SCRATCH/$1.dtb size
  size=$(stat -c %s "$KERNEL")
  cp "$DTB" "$copy"
  fdtput -t s "$copy" /chosen bootargs "dom0_mem=256M"
  fdtput -c "$copy" "/chosen/module@4a000000"
  fdtput -t s "$copy" "/chosen/module@4a000000" compatible multiboot,kernel multiboot,module
  fdtput -t x "$copy" "/chosen/module@4a000000" reg 0 "${KERNEL_AT#0x}" 0 "$(printf %x "$size")"
  fdtput -t s "$copy" "/chosen/module@4a000000" bootargs "console=hvc0 earlycon=xenboot"
  printf '%s\n' "$copy"
}

refuses() { # refuses CONSOLE REGEX
  contains "$1" "$2"
  contains "$1" 'cannot go on'
}

test_a_good_tree_boots_this_way_from_any_address() {
  prepare
  contains "$(UNTIL='Booting Linux' boot "$(tree good)")" 'Booting Linux on physical CPU'
}

test_entered_at_el1_says_so() {
  prepare
  MACHINE[1]=virt,gic-version=3
  contains "$(UNTIL='Level: 1' boot "$(tree el1)")" 'exception level; Socle needs EL2'
}

test_no_tree_at_all_is_said() {
  prepare
  head -c 4096 /dev/zero >"$SCRATCH/zero.dtb"
  # The console is nowhere described: semihosting is the way out.
  local said
  said=$(boot "$SCRATCH/zero.dtb" "${SEMIHOSTING[@]}")
  contains "$said" 'device tree'
}

test_a_truncated_tree_is_refused() {
  prepare
  local whole
  whole=$(tree whole)
  # The structure block ends early; the header still promises the rest, and zeroes follow.
  head -c 3000 "$whole" >"$SCRATCH/truncated.dtb"
  refuses "$(boot "$SCRATCH/truncated.dtb" "${SEMIHOSTING[@]}")" 'tree'
}

test_a_corrupt_tree_is_refused() {
  prepare
  local spoilt structure
  spoilt=$(tree corrupt)
  # The root's first property claims to be longer than the tree.
  structure=$((16#$(od -An -tx1 -j8 -N4 "$spoilt" | tr -d ' ')))
  printf '\x7f\xff\xff\xff' | dd of="$spoilt" bs=1 seek=$((structure + 12)) conv=notrunc status=none
  refuses "$(boot "$spoilt" "${SEMIHOSTING[@]}")" 'tree'
}

test_overlapping_modules_are_named() {
  prepare
  local spoilt
  spoilt=$(tree overlap)
  fdtput -c "$spoilt" "/chosen/module@4a100000"
  fdtput -t s "$spoilt" "/chosen/module@4a100000" compatible multiboot,ramdisk multiboot,module
  fdtput -t x "$spoilt" "/chosen/module@4a100000" reg 0 4a100000 0 100000
  refuses "$(boot "$spoilt")" 'module@4a100000.*overlap|overlap.*module@4a100000|overlap.*ramdisk|ramdisk.*overlap'
}

test_no_kernel_is_said() {
  prepare
  local spoilt
  spoilt=$(tree nokernel)
  fdtput -r "$spoilt" "/chosen/module@4a000000"
  refuses "$(boot "$spoilt")" 'no kernel'
}

test_a_kernel_that_is_none_is_said() {
  prepare
  head -c "$(stat -c %s "$KERNEL")" /dev/zero >"$SCRATCH/zero"
  refuses "$(KERNEL_FILE=$SCRATCH/zero boot "$(tree badkernel)")" 'kernel: neither'
}

test_dom0_mem_that_is_too_large_is_said() {
  prepare
  local spoilt
  spoilt=$(tree large)
  fdtput -t s "$spoilt" /chosen bootargs "dom0_mem=64G"
  refuses "$(boot "$spoilt")" 'dom0_mem'
}

test_no_gic_is_said() {
  prepare
  local spoilt node
  spoilt=$(tree nogic)
  node=$(fdtget -l "$spoilt" / | grep '^intc@')
  fdtput -r "$spoilt" "/$node"
  refuses "$(boot "$spoilt")" 'interrupt controller'
}

test_no_psci_boots_with_one_cpu() {
  prepare
  local spoilt said
  spoilt=$(tree nopsci)
  fdtput -r "$spoilt" /psci
  said=$(UNTIL='Booting Linux' boot "$spoilt")
  contains "$said" 'PSCI'
  contains "$said" 'Booting Linux'
}

test_no_console_falls_back_to_semihosting() {
  prepare
  local spoilt said
  spoilt=$(tree noconsole)
  fdtput -d "$spoilt" /chosen stdout-path
  fdtput -r "$spoilt" /pl011@9000000
  said=$(boot "$spoilt" "${SEMIHOSTING[@]}")
  contains "$said" 'no serial console'
}

test_bad_options_are_named_and_ignored() {
  prepare
  local spoilt said
  spoilt=$(tree options)
  fdtput -t s "$spoilt" /chosen bootargs "dom0_mem=256M placeholder maxcpus=zero loglvl=loud"
  said=$(UNTIL='Booting Linux' boot "$spoilt")
  contains "$said" 'placeholder'
  contains "$said" 'maxcpus'
  contains "$said" 'loglvl'
  contains "$said" 'Booting Linux'
}
