#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# symbols.sh NM [ELF]: an assembler source with the functions of ELF, or with an empty table.
# Layout: see el2/symbols.cc. Names lose their arguments and the namespace that all have.
set -eu
nm=$1
elf=${2:-}
{ if [ -n "$elf" ]; then "$nm" --demangle --defined-only --numeric-sort "$elf"; fi; } | awk '
  function name_of(line) {
    sub(/^[^ ]+ [^ ]+ /, "", line)
    gsub(/\(anonymous namespace\)::/, "", line)
    gsub(/socle::/, "", line)
    sub(/\(.*$/, "", line)
    sub(/ \[.*$/, "", line)
    gsub(/["\\]/, "", line)
    return substr(line, 1, 60)
  }
  function hex(text) { return "0x" text }
  BEGIN { count = 0 }
  $2 == "t" || $2 == "T" || $2 == "w" || $2 == "W" {
    if ($3 ~ /^\$/ || $3 ~ /^\./) next
    if ($1 == last) next
    last = $1
    address[count] = hex($1)
    name[count++] = name_of($0)
  }
  END {
    print "\t.section .socle_symbols, \"a\""
    print "\t.balign 8"
    print "\t.long " count ", 0"
    offset = 0
    for (i = 0; i < count; i++) {
      print "\t.long " address[i] ", " offset
      offset += length(name[i]) + 1
    }
    for (i = 0; i < count; i++) print "\t.asciz \"" name[i] "\""
  }'
