# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Numbers of CPUs, CPU models, sizes of memory.

MODELS=(cortex-a57 cortex-a72 cortex-a76 neoverse-n1 max)

# boots_with CPUS MODEL [OPTIONS]: all CPUs come up and each of them can run something.
boots_with() {
  local cpus=$1 model=$2 out
  shift 2
  out=$(dom0 --cpus "$cpus" --cpu "$model" "$@" -- \
    'nproc; for cpu in $(seq 0 $(($(nproc) - 1))); do taskset -c $cpu cut -d " " -f 39 /proc/self/stat; done')
  equal "$cpus $(seq -s ' ' 0 $((cpus - 1)))" "${out//$'\n'/ }" "number of CPUs, then who ran"
}

test_1_cpu_cortex_a72() { boots_with 1 cortex-a72; }
test_2_cpus_max() { boots_with 2 max; }
test_4_cpus_cortex_a76() { boots_with 4 cortex-a76; }
test_gicv2_1_cpu() { boots_with 1 cortex-a57 --gic 2; }
test_gicv2_4_cpus() { boots_with 4 cortex-a72 --gic 2; }
# With one CPU nobody else's interrupt helps a sleep to end.
short_sleeps() {
  contains "$(dom0 "$@" -- 'for i in $(seq 200); do sleep 0.003; done; echo awake')" awake
}
test_gicv2_short_sleeps_of_1_cpu() { short_sleeps --gic 2 --cpus 1; }
test_gicv2_cpus_go_off_and_on_again() {
  contains "$(dom0 --gic 2 --cpus 2 -- \
    'for i in $(seq 40); do for on in 0 1; do echo $on >/sys/devices/system/cpu/cpu1/online; done; done; nproc')" '^2'
}
# AMD's ZynqMP board by Debian's tree for it: GIC-400, Cadence UART, PSCI by SMC.
zcu102() {
  local out
  out=$(dom0 --machine xlnx-zcu102 "$@" -- 'cat /sys/hypervisor/type /proc/device-tree/compatible | tr "\0" "\n" | head -n 3; nproc')
  printf '%s\n' "${out//$'\n'/ }"
}
test_zcu102() { equal "xen xlnx,zynqmp-zcu102-rev1.0 xlnx,zynqmp-zcu102 2" "$(zcu102)" "what dom0 sees"; }
test_versal() {
  equal "xen xlnx-versal-virt 2" \
    "$(dom0 --machine xlnx-versal-virt --kernel 6.12 -- 'cat /sys/hypervisor/type /proc/device-tree/compatible | tr "\0" "\n"; nproc' | paste -s -d ' ')" \
    "what dom0 sees"
}
test_zcu102_with_reserved_memory_and_4_cpus() {
  equal "xen xlnx,zynqmp-zcu102-rev1.0 xlnx,zynqmp-zcu102 4" "$(zcu102 --cpus 4 --kernel 6.12)" "what dom0 sees"
}
test_8_cpus_neoverse_n1() { TIMEOUT=240 boots_with 8 neoverse-n1; }

full_every_number_of_cpus_on_every_model() {
  local cpus model
  for cpus in 1 2 4 8; do
    for model in "${MODELS[@]}"; do
      TIMEOUT=300 boots_with "$cpus" "$model" || fail "$cpus CPUs on $model"
    done
  done
}

full_gicv2_with_both_kernels() {
  local cpus kernel
  for cpus in 2 8; do
    for kernel in 6.1 6.12; do
      TIMEOUT=300 boots_with "$cpus" cortex-a57 --gic 2 --kernel "$kernel" || fail "$cpus CPUs, $kernel"
    done
  done
}

full_kernel_6_12_on_every_model() {
  local model
  for model in "${MODELS[@]}"; do boots_with 2 "$model" --kernel 6.12 || fail "6.12 on $model"; done
}

# at_least MIB OPTIONS...: dom0 has that much memory and can use a good part of it.
at_least() {
  local wanted=$1 has
  shift
  has=$(dom0 "$@" -- "awk '/MemTotal/ { print int(\$2 / 1024) }' /proc/meminfo")
  [[ $has -ge $wanted ]] || fail "dom0 has $has MiB, less than $wanted"
}

# All of the machine's memory is dom0's, less what Linux's page array takes (1/64).
whole() { if [[ $HYPERVISOR == socle ]]; then printf '%s\n' "$1"; else printf '%s\n' "$2"; fi; }

test_512_MiB() { at_least "$(whole 440 200)" --memory 512M; }
test_4_GiB() { at_least "$(whole 3700 900)" --memory 4G; }
test_64_GiB() { at_least "$(whole 63000 900)" --memory 64G; }
test_1_TiB_of_which_dom0_has_4_GiB() { TIMEOUT=240 at_least 3700 --memory 1T --dom0-mem 4G; }

# Linux writes 16 GiB of page array for 1 TiB: only where the host has that.
full_1_TiB_all_of_it_for_dom0() {
  local available
  available=$(awk '/MemAvailable/ { print int($2 / 1024 / 1024) }' /proc/meminfo)
  [[ $available -ge 20 ]] || { printf 'skipped: 20 GiB are needed on the host, %s are free\n' "$available"; return 0; }
  TIMEOUT=600 at_least "$(whole 1000000 900)" --memory 1T
}

# Every register and system instruction, every HVC and SMC (test/guests/instructions.cc): what is not there is the guest's own
# exception, calls with a number of nobody's are undefined, and Socle answers afterwards.
every_instruction_ends_in_the_guest() {
  local said
  if [[ $HYPERVISOR != socle ]]; then return 0; fi
  said=$(dom0 --cpus 1 --cpu "$1" --kernel "$SOCLE_ROOT/build/el2-release/guests/instructions.bin" | tr -d '\r' |
    grep -E '^(read|write|system|call|odd|version|done|guest)')
  printf '%s\n' "$said"
  equal 'call 0 131069 0 version 262161 done' "$(tail -n 3 <<<"$said" | paste -sd ' ')" "the end of what it says"
}
test_every_instruction_cortex_a57() { every_instruction_ends_in_the_guest cortex-a57; }
test_every_instruction_max() { every_instruction_ends_in_the_guest max; }
