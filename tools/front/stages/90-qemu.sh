# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
about="whole systems in QEMU: boot, console, machines, disks, network"
slow=yes

exists() { [[ ${SOCLE_TEST_HYPERVISOR:-socle} != socle ]] || tracked 'src/image/*.cc' | grep -q .; }

# names FILE: the tests in it, as TOPIC/FUNCTION.
names() {
  local kinds='test_'
  [[ $FULL == yes ]] && kinds='(test|full)_'
  sed -nE "s/^(${kinds}[a-zA-Z0-9_]+)\(\).*/$(basename "$1" _test.sh)\/\1/p" "$1"
}

asked_for() {
  local word
  [[ ${#FILTERS[@]} -gt 0 ]] || return 0
  for word in "${FILTERS[@]}"; do [[ $1 == *"$word"* ]] && return 0; done
  return 1
}

# one FILE TOPIC/FUNCTION: runs it in a process of its own, with its log and its scratch directory.
one() {
  local file=$1 name=$2 log started sentence
  log=$BUILD/test/qemu/${name//\//-}.log
  sentence=${name#*/}
  sentence=${sentence#*_}
  started=$SECONDS
  export SCRATCH=$BUILD/test/qemu/${name//\//-}.scratch SOCLE_CONSOLE_LOG=${log%.log}.console SOCLE_ROOT
  mkdir -p "$SCRATCH"
  # shellcheck disable=SC2016 # the words are the new shell's
  if bash -c 'set -euo pipefail; source "$SOCLE_ROOT/test/qemu/lib.sh"; source "$1"; "$2"' \
    test "$file" "${name#*/}" >"$log" 2>&1 </dev/null; then
    printf 'ok    %s: %s (%d s)\n' "${name%%/*}" "${sentence//_/ }" $((SECONDS - started))
    count 1 0
  else
    printf 'FAIL  %s: %s (%d s)\n' "${name%%/*}" "${sentence//_/ }" $((SECONDS - started))
    tail -n 60 "$log" | sed 's/^/      /'
    count 0 1
    FAILURES=yes
  fi
  rm -rf "$SCRATCH"
}

stage() {
  local file name
  FAILURES=no
  mkdir -p "$BUILD/test/qemu"
  if [[ ${SOCLE_TEST_HYPERVISOR:-socle} == socle ]]; then build_preset el2-release; build_preset el2-debug; fi
  for file in test/qemu/*_test.sh; do
    for name in $(names "$file"); do
      if asked_for "$name"; then one "$file" "$name"; fi
    done
  done
  [[ $FAILURES == no ]]
}
