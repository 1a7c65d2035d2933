#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# same_text.sh NM FIRST SECOND: fails if a function lies elsewhere in SECOND than in FIRST.
set -eu
functions() { "$1" --defined-only --numeric-sort "$2" | awk '$2 ~ /^[tTwW]$/ && $3 !~ /^\$/'; }
if [ "$(functions "$1" "$2")" != "$(functions "$1" "$3")" ]; then
  echo "same_text.sh: the symbol table of $3 is wrong: its functions moved" >&2
  exit 1
fi
