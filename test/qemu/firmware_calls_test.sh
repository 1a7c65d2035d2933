# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Firmware whose runtime services are broken (test/efi/damage_runtime.cc, started before Socle): Linux reads the clock when it
# boots, and must get to its shell with all CPUs all the same.

# survives FAULT REGEX [OPTION...]: a GetTime with FAULT is ended, Socle says REGEX, and there is no clock.
survives() {
  local fault=$1 regex=$2
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  equal "xen 2 0 1 " "$(TIMEOUT=240 dom0 --yes --acpi --no-network "${@:3}" \
    --uefi-first "$SOCLE_ROOT/build/el2-release/efi/damage.efi service 0 $fault" -- '
      cat /sys/hypervisor/type; nproc; ls /sys/class/rtc | wc -l
      taskset 1 true && taskset 2 true && echo 1' | tr '\n' ' ')" "dom0, whose firmware $fault"
  contains "$(tr -d '\r' <"$SOCLE_CONSOLE_LOG")" "^\(SOCLE\) .*EFI runtime services: service 0 took $regex: they are over"
}

test_firmware_that_hangs_is_ended_after_its_limit() { survives hangs 'longer than 30 s, ELR 0x[0-9a-f]+'; }
full_firmware_that_hangs_on_a_gicv2() { survives hangs 'longer than 30 s, ELR 0x[0-9a-f]+' --gic 2; }
test_firmware_that_faults_is_ended_at_once() {
  survives reads-nowhere 'an exception: vector 4, ESR 0x96000004, FAR 0xffff000000000000, ELR 0x[0-9a-f]+'
}

# Told to leave firmware's code alone, Socle does: the same firmware keeps nobody waiting.
test_efi_no_rs_runs_nothing_of_firmware() {
  local out
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  out=$(dom0 --yes --acpi --no-network --hv-append efi=no-rs \
    --uefi-first "$SOCLE_ROOT/build/el2-release/efi/damage.efi service 0 hangs" -- 'cat /sys/hypervisor/type; ls /sys/class/rtc | wc -l')
  equal "xen 0" "${out//$'\n'/ }" "dom0, and its clocks"
  if grep -a 'SOCLE.*EFI runtime services' "$SOCLE_CONSOLE_LOG"; then fail "Socle has read them"; fi
}

# Nor is a service called that firmware says it no longer has; the others are.
test_what_firmware_no_longer_supports_is_not_called() {
  local out damage=$SOCLE_ROOT/build/el2-release/efi/damage.efi
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  out=$(dom0 --yes --acpi --no-network --uefi-first "$damage service 0 hangs" --uefi-first "$damage supports 0x2070" -- '
    ls /sys/class/rtc | wc -l; modprobe efivarfs; mount -t efivarfs efivarfs /sys/firmware/efi/efivars
    tail -c +5 /sys/firmware/efi/efivars/PlatformLang-8be4df61-93ca-11d2-aa0d-00e098032b8c | tr "\0" "\n"')
  equal "0 en" "${out//$'\n'/ }" "clocks, and a variable"
}
