# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
about="unit tests again at EL2, in the selftest image under QEMU"
slow=yes

exists() { tracked 'src/image/*selftest*' | grep -q .; }

stage() {
  local cpu log status
  build_preset el2-debug
  for cpu in cortex-a57 max; do
    log=$BUILD/test/selftest-$cpu.log
    status=0
    timeout 300 "$QEMU" -M virt,virtualization=on,gic-version=3 -cpu "$cpu" -smp 2 -m 1G -display none \
      -monitor none -serial stdio -semihosting-config enable=on,target=native -no-reboot \
      -kernel build/el2-debug/selftest.bin </dev/null >"$log" 2>&1 || status=$?
    tail -n 3 "$log"
    if [[ $status -ne 0 ]]; then
      cat "$log"
      printf 'the selftest image ended with %d on %s\n' "$status" "$cpu"
    fi
    count "$(grep -cE '^(ok|PASS)\b' "$log" || true)" "$(grep -cE '^(FAIL|not ok)\b' "$log" || true)"
    [[ $status -eq 0 ]]
  done
}
