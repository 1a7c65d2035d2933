# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Which memory type the hardware domain's pages have after both stages, and what can be done with them: a
# bare-metal guest (test/guests/memory_types.cc) maps each kind of page with each type of its own and asks
# Socle for PAR_EL1. The expected lines are what policy/ promises, by the rule that the stricter stage wins.

# What a guest makes of its own: the types it asks for, unchanged ...
AS_ASKED='Device-nGnRnE outer, Device-nGnRE outer, Device-GRE outer, Normal-NC outer, Normal-WB inner'
# ... or never weaker than Device-nGnRE, ...
AS_DEVICE='Device-nGnRnE outer, Device-nGnRE outer, Device-nGnRE outer, Device-nGnRE outer, Device-nGnRE outer'
# ... or Device-GRE, or Normal-NC. (QEMU makes Device-nGnRE of the two; the architecture would have Device-GRE.)
AS_GRE='Device-nGnRnE outer, Device-nGnRE outer, Device-GRE outer, Device-nGnRE outer, Device-GRE outer'
AS_NON_CACHEABLE='Device-nGnRnE outer, Device-nGnRE outer, Device-nGnRE outer, Normal-NC outer, Normal-NC outer'
# ... or not there at all: emulated, or nothing.
NOT_THERE='fault of stage 2, fault of stage 2, fault of stage 2, fault of stage 2, fault of stage 2'

# shellcheck source=test/modules/build.sh
source "$SOCLE_ROOT/test/modules/build.sh"

# Only Socle translates for a guest; Xen maps on-chip memory never executable.
is_socle() { [[ $HYPERVISOR == socle ]] || { printf 'skipped: for Socle\n'; return 1; }; }

# answers OPTIONS...: what the guest says, without "types ".
answers() {
  dom0 --kernel "$SOCLE_ROOT/build/el2-release/guests/memory_types.bin" "$@" |
    tr -d '\r' | sed -n 's/^types //p'
}

# usable KIND: memory in every sense.
usable() { printf '%s: works\n' "$1, unaligned access" "$1, code" "$1, exclusive access" "$1, DC ZVA"; }

# expected GICV [KIND...]: the answers of a machine with a GICv2 (yes) or not (no), and mmio-sram of that kind.
expected() {
  local kind gicv2=$1
  shift
  printf '%s\n' "RAM: $AS_ASKED" "shared_info: $AS_ASKED" "grant table: $AS_ASKED" "device: $AS_ASKED" \
    "GIC distributor: $NOT_THERE"
  if [[ $gicv2 == yes ]]; then printf 'GIC CPU interface: %s\n' "$AS_DEVICE"
  else printf 'GIC redistributor: %s\n' "$NOT_THERE"; fi
  for kind in "$@"; do
    case $kind in
      SRAM) printf '%s\n' "$kind: $AS_ASKED" "$kind: $AS_ASKED"; usable "$kind" ;;
      *) printf '%s\n' "$kind: $AS_DEVICE" "$kind: $AS_DEVICE" "$kind, unaligned access: alignment fault" "$kind, code: abort" ;;
    esac
  done
  usable RAM
  requests
  printf 'done\n'
}

# A device's page by the two calls that take a type: 0 means what Xen gives, 5 and more are refused.
requests() {
  printf '%s\n' "dev_mmio 0: $AS_ASKED" "dev_mmio 1: $AS_DEVICE" "dev_mmio 2: $AS_GRE" \
    "dev_mmio 3: $AS_NON_CACHEABLE" "dev_mmio 4: $AS_ASKED" 'dev_mmio 5: -95' 'dev_mmio 65535: -95' \
    "memory_mapping 0: $AS_DEVICE" "memory_mapping 1: $AS_DEVICE" "memory_mapping 2: $AS_GRE" \
    "memory_mapping 3: $AS_NON_CACHEABLE" "memory_mapping 4: $AS_ASKED" 'memory_mapping 5: -22' \
    'memory_mapping 255: -22' "memory_mapping removed 0: $NOT_THERE"
}

# Memory that the tree does not call so, at the address of trees/sram_virt.dts: QEMU puts a virtio-mem
# device's where it is told.
SRAM_ON_VIRT=(--overlay "$SOCLE_ROOT/test/qemu/trees/sram_virt.dts"
  --qemu-arg -m --qemu-arg '2G,maxmem=4G'
  --qemu-arg -object --qemu-arg 'memory-backend-ram,id=sram,size=2M'
  --qemu-arg -device --qemu-arg 'virtio-mem-pci,memdev=sram,requested-size=2M,memaddr=0xc0000000')

# sram_on_virt GICV2 OPTIONS...
sram_on_virt() {
  local gicv2=$1 said
  shift
  is_socle || return 0
  said=$(answers "${SRAM_ON_VIRT[@]}" "$@")
  # fdtoverlay adds the last node first.
  diff <(expected "$gicv2" 'SRAM no-memory-wc' SRAM) <(printf '%s\n' "$said") || fail "other types"
}

test_sram_on_virt_is_memory_and_the_gic_is_a_device() { sram_on_virt yes --gic 2; }
# FEAT_S2FWB among it, which no domain's tables use (docs/design/hw.md).
test_the_same_on_a_cpu_that_has_everything() { sram_on_virt yes --gic 2 --cpu max; }
test_the_same_with_a_gicv3() { sram_on_virt no; }

test_the_on_chip_memory_of_zcu102_is_memory() {
  local said
  is_socle || return 0
  said=$(answers --machine xlnx-zcu102 --overlay "$SOCLE_ROOT/test/qemu/trees/ocm_zcu102.dts")
  diff <(expected yes SRAM) <(printf '%s\n' "$said") || fail "other types"
}

# linux_with_module KERNEL ADDRESS OPTIONS...: what dom0 says of test/modules/memory_use.c, given memory there.
linux_with_module() {
  local template ioremap=ioremap_prot linear_map=0xffff000000000000ul root=$SCRATCH/root initrd=$SCRATCH/initrd.cpio
  template=$(find "$SOCLE_ROOT/build/deps/kernel-$1/lib/" -name nvme.ko)
  if ! has_symbol "$template" "$ioremap"; then # newer: another name, and 52 bits of virtual address
    ioremap=__ioremap_prot linear_map=0xfff0000000000000ul
  fi
  rm -rf "$root"
  mkdir -p "$root/test"
  build_module "$template" "$SOCLE_ROOT/test/modules/memory_use.c" "$root/test/memory_use.ko" \
    "_printk iounmap memstart_addr $ioremap" "-DMEMORY=$2" "-DIOREMAP=$ioremap" "-DLINEAR_MAP=$linear_map"
  cp "$SOCLE_ROOT/build/deps/initrd-$1.cpio" "$initrd"
  truncate -s %512 "$initrd"
  (cd "$root" && find . -mindepth 1 | cpio --quiet -o -H newc) >>"$initrd"
  dom0 "${@:3}" --kernel "$1" --initrd "$initrd" -- \
    'insmod /test/memory_use.ko 2>/dev/null; echo "status $?"; dmesg | sed -n "s/^.*\\(memory_use: unaligned\\|Internal error:\\)/\\1/p"'
}

# linux_uses_memory KERNEL ADDRESS OPTIONS...
linux_uses_memory() {
  local said
  is_socle || return 0
  said=$(linux_with_module "$@")
  equal "status 0 memory_use: unaligned 1 exclusive 42 code 42" "${said//$'\n'/ }" "what the module did"
}

test_linux_uses_sram_as_memory() { linux_uses_memory 6.1 0xc0000000 "${SRAM_ON_VIRT[@]}"; }
full_linux_6_12_uses_sram_as_memory() { linux_uses_memory 6.12 0xc0000000 "${SRAM_ON_VIRT[@]}"; }
test_linux_uses_the_on_chip_memory_of_zcu102_as_memory() {
  linux_uses_memory 6.1 0xfffc0000 --machine xlnx-zcu102 --overlay "$SOCLE_ROOT/test/qemu/trees/ocm_zcu102.dts"
}

# The same module, where the tree says that it cannot be: the first unaligned access is an alignment fault.
test_linux_cannot_use_sram_with_no_memory_wc_as_memory() {
  local said
  is_socle || return 0
  said=$(linux_with_module 6.1 0xc0100000 "${SRAM_ON_VIRT[@]}")
  contains "$said" '^Internal error: Oops: 0*960000[26]1 '
}
