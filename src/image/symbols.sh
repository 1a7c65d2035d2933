#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# symbols.sh NM [ELF]: an assembler source with the functions of ELF, or with an empty table.
# Layout: see el2/symbols.cc. Names lose their arguments, template arguments, and the namespace that
# all have; what a name shares with the one before it is not written again.
set -eu
nm=$1
elf=${2:-}
{ if [ -n "$elf" ]; then "$nm" --demangle --defined-only --numeric-sort "$elf"; fi; } | awk '
  function name_of(line) {
    sub(/^[^ ]+ [^ ]+ /, "", line)
    gsub(/\(anonymous namespace\)::|socle::|detail::/, "", line)
    while (sub(/<[^<>]*>/, "", line)) {}
    sub(/\(.*$/, "", line)
    sub(/ \[.*$/, "", line)
    sub(/^.* /, "", line)
    gsub(/["\\]/, "", line)
    return substr(line, 1, 63)
  }
  function value_of(hex,    i, value) {
    value = 0
    for (i = 1; i <= length(hex); i++)
      value = value * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
    return value
  }
  function shared(a, b,    i) {
    for (i = 1; i <= length(a) && substr(a, i, 1) == substr(b, i, 1); i++) {}
    return i - 1
  }
  BEGIN {
    print "\t.section .socle_symbols, \"a\""
    address = 0
    name = ""
  }
  $2 ~ /^[tTwW]$/ && $3 !~ /^[$.]/ {
    next_address = value_of($1)
    if (next_address == address) next
    # 0xffff is as far as one step goes: then a nameless entry in between.
    steps = (next_address - address) / 4
    for (; steps > 65535; steps -= 65535) print "\t.hword 65535\n\t.byte 0\n\t.asciz \"\""
    next_name = name_of($0)
    common = shared(name, next_name)
    print "\t.hword " steps "\n\t.byte " common "\n\t.asciz \"" substr(next_name, common + 1) "\""
    address = next_address
    name = next_name
  }'
