# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Words that every part of the front door uses: messages, questions, places, small helpers.
# Sourced by ./socle, which has set SOCLE_ROOT. Messages go to stderr: stdout belongs to the guest.

BUILD=$SOCLE_ROOT/build
DEPS=$BUILD/deps
CACHE=${SOCLE_CACHE:-${XDG_CACHE_HOME:-~/.cache}/socle} # ~ needs no HOME
ASSUME_YES=no

say() { printf 'socle: %s\n' "$*" >&2; }
warn() { printf 'socle: warning: %s\n' "$*" >&2; }
DIE_STATUS=1
die() { printf 'socle: error: %s\n' "$*" >&2; exit "$DIE_STATUS"; }

# Wrong use: one clear error, where to look, exit 2.
misuse() {
  printf 'socle: error: %s\n' "$1" >&2
  printf 'Try: ./socle %s--help\n' "${2:+$2 }" >&2
  exit 2
}

have() { command -v "$1" >/dev/null 2>&1; }

can_be_root() { [[ $EUID -eq 0 ]] || have sudo; }

# as_root COMMAND...: runs it, through sudo where we are not root.
as_root() { if [[ $EUID -eq 0 ]]; then "$@"; else sudo -- "$@"; fi; }

# agree QUESTION COMMAND: returns if the user (or --yes) agrees; COMMAND is what a script has to type.
agree() {
  local answer
  [[ $ASSUME_YES == yes ]] && return 0
  [[ -t 0 && -t 2 ]] || die "$1 -- not asking, as this is no terminal; type: $2"
  printf '%s [Y/n] ' "$1" >&2
  read -r answer || answer=n
  [[ -z $answer || $answer == [Yy]* ]] || die "not agreed: nothing was changed"
}

# with_lock FILE COMMAND...: two front doors at work in the same place take turns.
with_lock() {
  local file=$1 descriptor
  shift
  { mkdir -p "${file%/*}" && : >>"$file"; } 2>/dev/null ||
    die "cannot write to ${file%/*} (downloads may go elsewhere: SOCLE_CACHE)"
  exec {descriptor}>"$file"
  if ! flock --nonblock "$descriptor"; then
    say "waiting for another ./socle that is at work here"
    flock "$descriptor"
  fi
  "$@"
  exec {descriptor}>&-
}

human_size() { numfmt --to=iec --suffix=B "$1"; }
