# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Where the hypervisor's modules go, and that what --print shows is what runs.

BASE=$((1 << 30))

# image FILE SIZE TEXT_OFFSET: an arm64 Image header that says so.
image() {
  local byte number text
  truncate -s 64 "$1"
  text=
  for number in "$3" "$2"; do
    for byte in 0 8 16 24 32 40 48 56; do text+=$(printf '\\x%02x' $(((number >> byte) & 255))); done
  done
  printf '%b' "$text" | dd of="$1" bs=1 seek=8 conv=notrunc status=none
  printf 'ARMd' | dd of="$1" bs=1 seek=56 conv=notrunc status=none
}

# placed MEMORY KERNEL_SIZE INITRD_SIZE [IMAGE_SIZE]: offsets from RAM's base, in MiB.
placed() {
  local first second
  image "$SCRATCH/image" "$(parse_size "${4:-1M}")" 0
  truncate -s "$2" "$SCRATCH/kernel"
  truncate -s "$3" "$SCRATCH/initrd"
  read -r first second < <(place_modules "$SCRATCH/image" "$BASE" "$(parse_size "$1")" "$SCRATCH/kernel" "$SCRATCH/initrd")
  printf '%s %s\n' $(((first - BASE) / MIB)) $(((second - BASE) / MIB))
}

test_the_image_header_is_read() {
  image "$SCRATCH/image" $((5 * MIB)) 0
  is_arm64_image "$SCRATCH/image" || fail "no arm64 Image"
  equal $((BASE + 2 * MIB)) "$(kernel_start "$SCRATCH/image" "$BASE")" "text_offset 0"
  image "$SCRATCH/image" $((5 * MIB)) $((512 * 1024))
  equal $((BASE + 512 * 1024)) "$(kernel_start "$SCRATCH/image" "$BASE")" "text_offset 512 KiB"
  ! is_arm64_image "$SCRATCH/kernel" 2>/dev/null || fail "an empty file is no Image"
}

test_modules_lie_below_the_tree_where_they_fit() {
  equal "4 36" "$(placed 2G 32M 6M)" "offsets in 2 GiB"
  equal "8 40" "$(placed 2G 32M 6M 5M)" "offsets behind an image of 5 MiB"
}

test_modules_that_do_not_fit_below_the_tree_lie_behind_it() {
  equal "130 230" "$(placed 2G 100M 60M)" "offsets in 2 GiB"
  equal "66 106" "$(placed 128M 40M 22M)" "offsets in 128 MiB, where the tree is at 64 MiB"
}

test_modules_that_do_not_fit_at_all_are_refused() {
  contains "$(placed 128M 100M 60M 2>&1 || true)" 'do not fit into 128MB'
}

test_the_machines_own_tree_says_where_its_ram_is() {
  QEMU=$DEPS/qemu/qemu-system-aarch64
  [[ -x $QEMU ]] || QEMU=qemu-system-aarch64
  WORK="$SCRATCH/a comma, a blank"
  mkdir "$WORK"
  equal "$BASE" "$(ram_base -M virt -m 512M)" "base of RAM of virt"
}

test_banks_of_ram_come_in_order_and_with_their_sizes() {
  printf '/dts-v1/; / { memory@0 { }; };' | dtc -q -o "$SCRATCH/board.dtb"
  fdtput -t x "$SCRATCH/board.dtb" /memory@0 reg 8 0 0 80000000 0 0 0 40000000
  equal "0 $((1 << 30)) $((8 << 32)) $((2 << 30))" "$(ram_banks "$SCRATCH/board.dtb" | tr '\n' ' ' | sed 's/ $//')" "banks"
}

test_the_printed_command_is_what_would_run() {
  local words=(program -device "guest-loader,bootargs=a b 'c' \"d\" \$e" -append '' -x)
  equal "$(printf '<%s>' "${words[@]}")" \
    "$(eval "$(print_command "${words[@]}" | sed '1s/^program/printf "<%s>" program/')")" "words"
}

test_commas_survive_qemus_options() {
  equal 'a,,b' "$(qemu_escape a,b)" "escaped"
}
