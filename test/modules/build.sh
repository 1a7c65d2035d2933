# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Modules for Debian's kernels without their headers: another module of the same kernel says what the
# kernel expects (the size of struct module, where it names its first function, the version of the kernel
# and of each symbol). The template must use the symbols that the module uses.

# section FILE NAME: its bytes.
section() {
  local bytes
  bytes=$(mktemp)
  llvm-objcopy-19 -O binary --only-section="$2" --set-section-flags "$2=alloc" -- "$1" "$bytes"
  cat "$bytes"
  rm -f "$bytes"
}

# has_symbol MODULE NAME: whether it uses this one of the kernel.
has_symbol() { llvm-readelf-19 -sW "$1" | awk -v name="$2" '$7 == "UND" && $8 == name { found = 1 } END { exit !found }'; }

# versions TEMPLATE SYMBOL...: their entries, 64 bytes each: a checksum and the name.
versions() {
  section "$1" __versions | python3 -c '
import sys
entries = sys.stdin.buffer.read()
wanted = set(sys.argv[1:])
for at in range(0, len(entries), 64):
    entry = entries[at:at + 64]
    if entry[8:].split(b"\0")[0].decode() in wanted:
        sys.stdout.buffer.write(entry)' "${@:2}"
}

# what_the_kernel_expects TEMPLATE NAME: an assembler source that makes a module of an object.
what_the_kernel_expects() {
  local size first
  size=$(llvm-readelf-19 -SW "$1" | sed -nE 's/.* \.gnu\.linkonce\.this_module +PROGBITS +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) .*/0x\1/p')
  first=$(llvm-readelf-19 -rW "$1" | awk '/\.rela\.gnu\.linkonce\.this_module/ { here = 1 } here && $5 == "init_module" { print "0x" $1; exit }')
  cat <<ASM
	.section .gnu.linkonce.this_module, "aw"
	.balign 64
	.zero 24
	.asciz "$2"
	.org $first
	.quad init_module
	.org $size
	.section .modinfo, "a"
	.asciz "name=$2"
	.asciz "license=Apache-2.0"
	.asciz "$(section "$1" .modinfo | tr '\0' '\n' | grep '^vermagic=')"
	.section .plt, "ax", %progbits
	.byte 0
	.section .init.plt, "a", %progbits
	.byte 0
	.section .text.ftrace_trampoline, "ax", %progbits
	.byte 0
	.section .init.text.ftrace_trampoline, "ax", %progbits
	.byte 0
	.section .note.GNU-stack, "", %progbits
ASM
}

# build_module TEMPLATE SOURCE TO "SYMBOL..." [COMPILER OPTION...]
build_module() {
  local template=$1 source=$2 to=$3 symbols work name
  read -ra symbols <<<"$4"
  shift 4
  name=$(basename "$to" .ko)
  work=$(mktemp -d)
  what_the_kernel_expects "$template" "$name" >"$work/module.S"
  versions "$template" module_layout "${symbols[@]}" >"$work/versions"
  clang-19 --target=aarch64-linux-gnu -c -O2 -Wall -Wextra -Werror -ffreestanding -fno-pic -fno-stack-protector \
    -fno-asynchronous-unwind-tables -mgeneral-regs-only -mbranch-protection=bti "$@" -o "$work/code.o" "$source"
  clang-19 --target=aarch64-linux-gnu -c -o "$work/module.o" "$work/module.S"
  ld.lld-19 -r -o "$work/all.o" "$work/code.o" "$work/module.o"
  llvm-objcopy-19 --add-section=__versions="$work/versions" --set-section-flags=__versions=alloc,readonly "$work/all.o" "$to"
  rm -rf "$work"
}
