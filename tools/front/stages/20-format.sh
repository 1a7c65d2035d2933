# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
about="clang-format of all C++ files"
slow=no

exists() { [[ -f $SOCLE_ROOT/.clang-format ]]; }

stage() {
  local files=()
  mapfile -t files < <(tracked '*.cc' '*.h')
  printf '%d files\n' "${#files[@]}"
  if ! clang-format-19 --dry-run --Werror "${files[@]}" 2>"$BUILD/test/format.errors"; then
    sed -n 's/:[0-9]*:[0-9]*: error:.*//p' "$BUILD/test/format.errors" | sort | uniq -c |
      awk '{ print $2 ": " $1 " places differ; clang-format-19 -i mends them" }'
    return 1
  fi
}
