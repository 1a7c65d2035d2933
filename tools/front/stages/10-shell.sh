# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
about="shellcheck of the scripts"
slow=no

exists() { true; }

stage() {
  local scripts=()
  mapfile -t scripts < <(tracked | while read -r file; do
    if [[ -f $file ]] && head -n 1 "$file" | grep -qE '^#!.*\b(sh|bash)$'; then printf '%s\n' "$file"; fi
  done)
  shellcheck -x -a "${scripts[@]}"
  shellcheck -x tools/front/stages/*.sh test/lib.sh test/*/*.sh
  printf '%d scripts\n' "${#scripts[@]}"
}
