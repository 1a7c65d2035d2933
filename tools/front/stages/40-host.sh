# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
about="unit tests on the host under ASan and UBSan, no-compile tests"
slow=no

exists() { [[ -f $SOCLE_ROOT/CMakePresets.json ]]; }

# Counts each test of a GoogleTest program, and any other program as one test.
count_tests() {
  local passed failed
  read -r passed failed < <(awk '
    match($0, /^[0-9]+: \[ +OK \]/) { split($0, at, ":"); inside[at[1]]++; passed++ }
    match($0, /^[0-9]+: \[  FAILED  \] [^ ]+ \(/) { split($0, at, ":"); inside[at[1]]++; failed++ }
    match($0, /Test +#[0-9]+:/) {
      number = substr($0, RSTART, RLENGTH); gsub(/[^0-9]/, "", number)
      if ($0 ~ / Passed /) { if (!inside[number]) passed++ }
      else if (!inside[number] || $0 !~ /\*\*\*Failed/) failed++
    }
    END { print passed + 0, failed + 0 }' "$1")
  count "$passed" "$failed"
}

stage() {
  local log="$BUILD/test/ctest.log" status=0 filter=()
  if [[ ${#FILTERS[@]} -gt 0 ]]; then filter=(-R "$(IFS='|'; printf '%s' "${FILTERS[*]}")"); fi
  build_preset host-asan
  ctest --preset host-asan -V --no-tests=error --timeout 300 -j "$(nproc)" "${filter[@]}" >"$log" 2>&1 || status=$?
  grep -E '^ *[0-9]+/[0-9]+ Test|% tests passed|Total Test time' "$log" || true
  if [[ $status -ne 0 ]]; then grep -E -B 20 '^[0-9]+: (\[  FAILED  \]|.*ERROR: |.*runtime error)' "$log" | tail -n 200; fi
  count_tests "$log"
  return "$status"
}
