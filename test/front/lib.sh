# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests of the front door use: its parts, loaded without running anything.

# shellcheck source=test/lib.sh
source "$SOCLE_ROOT/test/lib.sh"
for part in common packages initrd setup machine board uefi console run; do
  # shellcheck source=/dev/null
  source "$SOCLE_ROOT/tools/front/$part.sh"
done
export WORK=$SCRATCH

# without_network COMMAND...: runs it where apt cannot be called, by any name.
without_network() {
  local tool
  mkdir -p "$SCRATCH/no-apt"
  for tool in apt apt-get apt-cache curl wget; do
    printf '#!/bin/sh\necho "%s was called: $*" >&2\nexit 100\n' "$tool" >"$SCRATCH/no-apt/$tool"
    chmod +x "$SCRATCH/no-apt/$tool"
  done
  PATH=$SCRATCH/no-apt:$PATH "$@"
}
