#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The program as a whole: exit statuses, standard input and output. Usage: command_test.sh PROGRAM TREE.dts TABLES
set -uo pipefail

program=$1 tree=$2 tables=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# expect STATUS WORDS ARGUMENTS...: the exit status, and words (a pattern) in what is said.
expect() {
  local status=$1 words=$2 said got=0
  shift 2
  said=$("$program" "$@" 2>&1 </dev/null) || got=$?
  if [[ $got -eq $status ]] && grep -qE -- "$words" <<<"$said"; then return; fi
  printf 'FAIL: %s: status %s (not %s), said:\n%s\n' "$*" "$got" "$status" "${said:0:2000}"
  failed=1
}

expect 0 '^Usage: ./socle plan FILE' --help
expect 2 'FILE is missing' --json
expect 2 'no such|No such' /no/such/file
expect 0 '^ready: |  ready: ' "$tree"
expect 0 '^$' "$tree" --check
expect 0 '"schema": "socle-plan"' "$tree" --json
expect 0 '</svg>' "$tree" --svg
expect 0 '</html>' "$tree" --html
expect 0 'xen,xen' "$tree" --tree -

printf 'FACP @ 0x0000000000000000\n' >"$scratch/acpi.txt"
expect 2 'no ACPI tables' "$scratch/acpi.txt"
expect 1 'IORT SMMUv3 at 0x60050000' "$tables"
expect 1 '^socle plan: error: the tables do not tell what is RAM' "$tables" --check
expect 1 '"signature": "GTDT"' "$tables" --json
expect 1 'dom0 gets tables' "$tables" --tree -
expect 0 '^$' "$tables" --diff "$tables"
expect 1 '.' "$tables" --diff "$tree"
printf '40000000-7fffffff : System RAM\n' >"$scratch/iomem"
printf '00000000-00000000 : System RAM\n' >"$scratch/zeros"
expect 0 'memory map: .*/iomem \(/proc/iomem\)' "$tables" --memory-map "$scratch/iomem"
expect 0 '^$' "$tables" --memory-map "$scratch/iomem" --check
expect 0 '1 GiB RAM +memory map' "$tree" --memory-map "$scratch/iomem"
expect 1 '\+ 040000000-' "$tables" --diff "$scratch/iomem"
expect 2 'zeros: all addresses are 0: .*root' "$tables" --memory-map "$scratch/zeros"
expect 2 'no memory map' "$tables" --memory-map "$tree"
expect 2 'No such' "$tables" --memory-map /no/such/file
expect 2 'once only' - --memory-map -
mkdir "$scratch/empty"
expect 2 'no ACPI tables' "$scratch/empty"
printf '/dts-v1/;\n/ { };\n' >"$scratch/nothing.dts"
expect 1 'refused: ' "$scratch/nothing.dts"
expect 1 '^socle plan: error: ' "$scratch/nothing.dts" --check
"${DTC:-dtc}" -q -I dts -O dtb -o "$scratch/whole.dtb" "$tree"
size=$(stat -c %s "$scratch/whole.dtb")
for part in 20 1000; do
  head -c "$part" "$scratch/whole.dtb" >"$scratch/part.dtb"
  expect 1 "cut off: it claims $size bytes, $part can be read" "$scratch/part.dtb" --check
done
printf 'dom0_mem=256M\n' >"$scratch/options"
expect 0 '^$' "$tree" --diff "$tree"
expect 1 '-> 262144 KiB' "$tree" --diff "$scratch/options"
expect 0 '^$' "$tree" --cmdline dom0_mem=256M --diff "$scratch/options"

printf 'dom0_mem=256M\nand more\n' >"$scratch/prose"
expect 2 'prose: no tree, .* one line' "$tree" --diff "$scratch/prose"

# A full disk is an error, whatever is printed; a reader of errors that has gone away is none of it.
for output in --text --json --svg --html "--tree -" --help; do
  # shellcheck disable=SC2086
  "$program" "$tree" $output >/dev/full 2>"$scratch/said"
  if [[ $? -ne 2 ]] || ! grep -q 'standard output: No space left' "$scratch/said"; then
    printf 'FAIL: %s to a full disk: %s\n' "$output" "$(<"$scratch/said")"
    failed=1
  fi
done
expect 2 '/dev/full: No space left' "$tree" --tree /dev/full
"$program" "$scratch/nothing.dts" --check 2>/dev/full
if [[ $? -ne 1 ]]; then
  printf 'FAIL: the exit status depends on who reads the errors\n'
  failed=1
fi

# Through a pipe, and to a reader that has seen enough: quietly.
"$program" - <"$tree" 2>"$scratch/said" | head -n 1 >/dev/null
if [[ ${PIPESTATUS[0]} -ne 0 || -s $scratch/said ]]; then
  printf 'FAIL: a closed pipe is not taken quietly: %s\n' "$(<"$scratch/said")"
  failed=1
fi
exit "$failed"
